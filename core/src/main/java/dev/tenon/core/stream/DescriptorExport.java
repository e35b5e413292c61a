package dev.tenon.core.stream;

import dev.tenon.core.image.QemuImg;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.StreamSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * A stream of a volume that is written to a pipe, socket, file or block device. Data goes from the file to the descriptor
 * inside the kernel, by splice and sendfile; a checksum is all that makes this process read it.
 */
public final class DescriptorExport extends DescriptorStream implements ExportStream {
    /** How much of a disk is searched for data at once. */
    private static final long WINDOW = 1L << 30;

    /** How much of a compressed image is read into memory at once. */
    private static final long PART = 16L << 20;

    /**
     * With this descriptor, which is closed with it.
     *
     * @param descriptor open for writing
     */
    public DescriptorExport(Descriptor descriptor, StreamSettings settings) {
        super(descriptor, settings);
    }

    @Override
    public void send(StreamSource source) {
        switch (source) {
            case StreamSource.Content content -> write(writer -> send(writer, content));
            case StreamSource.Allocated allocated -> write(writer -> send(writer, allocated));
            case StreamSource.Disk disk -> write(writer -> send(writer, disk));
            case StreamSource.Tree(Path directory) -> {
                write(writer -> writer.header(0));
                relay(number -> Tar.pack(directory, number));
            }
        }
        pace.end();
    }

    private interface Writing {
        void to(Writer writer) throws IOException;
    }

    private void write(Writing writing) {
        Pump.start(pace, descriptor, flow -> {
                    try (Writer writer = new Writer(pace, flow, descriptor)) {
                        writing.to(writer);
                        return true;
                    }
                })
                .join();
    }

    private void send(Writer writer, StreamSource.Content content) throws IOException {
        try (SparseFile file = SparseFile.open(content.file())) {
            long length = file.size();
            pace.expect(Long.BYTES + length);
            writer.header(content.size().bytes());
            writer.part(file, 0, length);
        }
    }

    private void send(Writer writer, StreamSource.Allocated allocated) throws IOException {
        long size = allocated.size().bytes();
        try (SparseFile file = SparseFile.open(allocated.file())) {
            pace.expect(Long.BYTES + size);
            writer.header(size);
            long at = 0;
            for (StreamSource.Extent extent : allocated.extents()) {
                writer.zeroes(extent.at() - at);
                at = extent.at() + extent.length();
                writer.part(file, extent.at(), at);
            }
            writer.zeroes(size - at);
        }
    }

    private void send(Writer writer, StreamSource.Disk disk) throws IOException {
        long size = disk.size().bytes();
        pace.expect(Long.BYTES + size);
        writer.header(size);
        Map<Path, SparseFile> files = new HashMap<>();
        try {
            for (long begin = 0; begin < size; begin += WINDOW) {
                long end = Math.min(begin + WINDOW, size);
                Optional<List<QemuImg.Extent>> extents = QemuImg.map(disk.file(), disk.format(), begin, end - begin);
                if (extents.isPresent()) {
                    send(writer, extents.get(), begin, end, files);
                } else {
                    sendParts(writer, disk, begin, end);
                }
            }
        } finally {
            files.values().forEach(SparseFile::close);
        }
    }

    private static void send(
            Writer writer, List<QemuImg.Extent> extents, long begin, long end, Map<Path, SparseFile> files)
            throws IOException {
        long at = begin;
        for (QemuImg.Extent extent : extents) {
            writer.zeroes(extent.at() - at);
            SparseFile file = files.get(extent.file());
            if (file == null) {
                file = SparseFile.open(extent.file());
                files.put(extent.file(), file);
            }
            writer.part(file, extent.offset(), extent.offset() + extent.length());
            at = extent.at() + extent.length();
        }
        writer.zeroes(end - at);
    }

    /** Data that is in no file as the guest sees it is written into memory first. */
    private static void sendParts(Writer writer, StreamSource.Disk disk, long begin, long end) throws IOException {
        for (long at = begin; at < end; at += PART) {
            long length = Math.min(PART, end - at);
            try (SparseFile part = SparseFile.inMemory(length)) {
                QemuImg.readPart(disk.file(), disk.format(), at, length, part.pathForOthers());
                writer.part(part, 0, length);
            }
        }
    }

    @Override
    public void handOver(IntConsumer writer) {
        relay(writer);
        pace.end();
    }

    private void relay(IntConsumer writer) {
        HandOver.toPeer(pace, descriptor, number -> {
            writer.accept(number);
            return true;
        });
    }
}

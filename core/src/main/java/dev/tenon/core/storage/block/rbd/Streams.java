package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.RadosImage;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Images as streams: their size, eight bytes, lowest first, and their content. */
final class Streams {
    static final String FORMAT = "raw+size";

    private static final Path NOTHING = Path.of("/dev/null");
    private static final int ZEROES = 1 << 20;
    private static final String OLD_FORMAT = "--export-format";

    private final Rbd rbd;

    Streams(Rbd rbd) {
        this.rbd = rbd;
    }

    private static Path descriptor(int number) {
        return Path.of("/proc/self/fd/" + number);
    }

    /**
     * Sends an image: what was never written is not read.
     *
     * @param snapshot as it was then, null as it is
     */
    void send(String image, @Nullable String snapshot, ExportStream stream) {
        String name = snapshot == null ? image : image + "@" + snapshot;
        long size = rbd.size(image, snapshot);
        stream.handOver(number -> {
            try {
                send(image, snapshot, name, size, descriptor(number));
            } catch (StorageException e) {
                // Some of it was sent, and nothing of the storage was changed.
                throw new StorageException(e.error(), Outcome.FAILED_CLEAN, e.getMessage(), e);
            }
        });
    }

    private void send(String image, @Nullable String snapshot, String name, long size, Path pipe) {
        try (FileChannel output = FileChannel.open(pipe, StandardOpenOption.WRITE)) {
            write(
                    output,
                    ByteBuffer.allocate(Long.BYTES)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(size)
                            .flip());
            if (rbd.read(image, snapshot, opened -> copy(opened, name, size, output))) {
                return;
            }
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "could not export image '" + name + "'");
        }
        rbd.stream("could not export image", NOTHING, pipe, "export", "--no-progress", OLD_FORMAT, "1", name, "-");
    }

    /** An IOException is a failure of the cluster, not of what takes the stream. */
    private static void copy(RadosImage image, String name, long size, FileChannel output) throws IOException {
        if (image.size() != size) {
            throw new StorageException(
                    StorageError.STREAM_BROKEN,
                    Outcome.FAILED_CLEAN,
                    "could not export image '" + name + "': its size has changed from " + size + " to " + image.size()
                            + " bytes meanwhile");
        }
        ByteBuffer zeroes = ByteBuffer.allocateDirect(ZEROES);
        long[] end = {0};
        image.read(image.parts(), (at, bytes) -> {
            taking(name, () -> {
                fill(output, zeroes, at - end[0]);
                end[0] = at + bytes.remaining();
                write(output, bytes);
            });
        });
        taking(name, () -> fill(output, zeroes, size - end[0]));
    }

    /** Writes into the stream. */
    private interface Taking {
        void run() throws IOException;
    }

    private static void taking(String name, Taking taking) {
        try {
            taking.run();
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "could not export image '" + name + "'");
        }
    }

    private static void fill(FileChannel output, ByteBuffer zeroes, long length) throws IOException {
        for (long left = length; left > 0; left -= Math.min(left, zeroes.capacity())) {
            write(output, zeroes.clear().limit((int) Math.min(left, zeroes.capacity())));
        }
    }

    private static void write(FileChannel output, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            output.write(bytes);
        }
    }

    /**
     * Receives an image under a name that nobody has.
     *
     * @throws StorageException {@code FAILED_CLEAN} or {@code UNKNOWN}, as what has arrived could be removed or not
     */
    void receive(Images images, String staged, ImportStream stream) {
        try {
            long size = stream.handOver(FORMAT, number -> {
                Path pipe = descriptor(number);
                long announced = header(pipe);
                List<String> arguments = new ArrayList<>(List.of("--no-progress", OLD_FORMAT, "1"));
                Configuration.dataPool(images.storage())
                        .ifPresent(pool -> arguments.addAll(List.of("--data-pool", pool)));
                arguments.addAll(List.of("-", staged));
                rbd.stream("could not import image", pipe, NOTHING, "import", arguments.toArray(String[]::new));
                return announced;
            });
            long arrived = rbd.info(staged).size();
            if (arrived > size) {
                throw new StorageException(
                        StorageError.STREAM_BROKEN,
                        Outcome.UNKNOWN,
                        "could not import image: the stream begins with the size " + size + ", and " + arrived
                                + " bytes came");
            } else if (arrived < size) {
                images.rbd()
                        .change(
                                "rbd resize '" + staged + "' error",
                                "resize",
                                "--no-progress",
                                "--size",
                                size + "B",
                                staged);
            }
        } catch (StorageException e) {
            throw images.discarded(staged, e);
        }
    }

    private static long header(Path pipe) {
        try (FileInputStream input = new FileInputStream(pipe.toFile())) {
            byte[] bytes = input.readNBytes(Long.BYTES);
            if (bytes.length < Long.BYTES) {
                throw new EOFException("no size found in export header, aborting.");
            }
            return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.STREAM_BROKEN, Outcome.UNKNOWN, "could not import image: " + e.getMessage(), e);
        }
    }
}

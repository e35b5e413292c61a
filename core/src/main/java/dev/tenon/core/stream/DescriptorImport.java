package dev.tenon.core.stream;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StreamTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A stream of a volume that is read from a pipe, socket, file or block device. What comes as zeroes is not written where
 * it reads as zeroes already. The bytes pass through one buffer outside the heap, since the kernel finds no zeroes.
 */
public final class DescriptorImport extends DescriptorStream implements ImportStream {
    /** What PVE's umask leaves to a file that it makes. */
    private static final int PERMISSIONS = 0640;

    /**
     * With this descriptor, which is closed with it.
     *
     * @param descriptor open for reading
     */
    public DescriptorImport(Descriptor descriptor, StreamSettings settings) {
        super(descriptor, settings);
    }

    @Override
    public ByteSize size() {
        long size = Pump.start(
                        pace,
                        descriptor,
                        flow -> Header.read(pace, flow, descriptor).getLong())
                .join();
        if (size < 0) {
            throw new StorageException(
                    StorageError.STREAM_BROKEN,
                    Outcome.NOT_STARTED,
                    "the stream begins with the size " + Long.toUnsignedString(size)
                            + ", which no volume has; is it of a format with a size, and not compressed?");
        }
        return ByteSize.ofBytes(size);
    }

    @Override
    public void receive(StreamTarget target, @Nullable ByteSize length) {
        if (length != null) {
            pace.expect(pace.moved() + length.bytes());
        }
        switch (target) {
            case StreamTarget.NewFile(Path file) -> receive(length, true, () -> SparseFile.create(file, PERMISSIONS));
            case StreamTarget.Present(Path file, boolean isZero) ->
                receive(length, isZero, () -> SparseFile.openForWriting(file));
            case StreamTarget.Tree(Path directory) ->
                HandOver.fromPeer(pace, descriptor, Ending.ZEROES, number -> {
                    Tar.unpack(directory, number);
                    return true;
                });
        }
        pace.end();
    }

    private interface Opening {
        SparseFile open() throws IOException;
    }

    private void receive(@Nullable ByteSize length, boolean isSparse, Opening opening) {
        SparseFile target;
        try {
            target = opening.open();
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "unable to write a volume");
        }
        try (target) {
            Pump.start(pace, descriptor, flow -> {
                        flow.enlarge(descriptor);
                        return new Reader(pace, flow, descriptor).into(target, isSparse, length);
                    })
                    .join();
        }
    }

    @Override
    public <T> T handOver(String format, IntFunction<T> reader) {
        T result = HandOver.fromPeer(pace, descriptor, Ending.of(format), reader);
        pace.end();
        return result;
    }
}

package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/** Images as streams: their size, eight bytes, lowest first, and their content. */
final class Streams {
    static final String FORMAT = "raw+size";

    private static final Path NOTHING = Path.of("/dev/null");
    private static final String OLD_FORMAT = "--export-format";

    private final Rbd rbd;

    Streams(Rbd rbd) {
        this.rbd = rbd;
    }

    private static Path descriptor(int number) {
        return Path.of("/proc/self/fd/" + number);
    }

    /**
     * Sends an image.
     *
     * @param image with its snapshot if there is one
     */
    void send(String image, ExportStream stream) {
        long size = rbd.info(image).size();
        stream.handOver(number -> {
            Path pipe = descriptor(number);
            try (FileOutputStream output = new FileOutputStream(pipe.toFile())) {
                output.write(ByteBuffer.allocate(Long.BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(size)
                        .array());
            } catch (IOException e) {
                throw Failures.of(e, Outcome.FAILED_CLEAN, "could not export image '" + image + "'");
            }
            rbd.stream(
                    "could not export image", NOTHING, pipe, "export", "--no-progress", OLD_FORMAT, "1", image, "-");
        });
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
                rbd.stream(
                        "could not import image",
                        pipe,
                        NOTHING,
                        "import",
                        "--no-progress",
                        OLD_FORMAT,
                        "1",
                        "-",
                        staged);
                return announced;
            });
            long arrived = rbd.info(staged).size();
            if (arrived < size) {
                images.rbd().change("rbd resize '" + staged + "' error", "resize", "--no-progress", "--size", size + "B", staged);
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

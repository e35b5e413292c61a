package dev.tenon.core.backup.repository;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Space that is kept for collecting: on a disk that is full, what is to be removed has to be written down first. */
final class Spare {
    private static final int BYTES = 1 << 20;

    private Spare() {}

    private static Path file(Layout layout) {
        return layout.root().resolve("spare");
    }

    /** Keeps the space, if there is any. */
    static void keep(Layout layout) {
        if (Files.exists(file(layout))) {
            return;
        }
        // Not zeroes, which take no space on some file systems.
        byte[] bytes = new byte[BYTES];
        new Random().nextBytes(bytes);
        try {
            Layout.publish(file(layout), bytes);
        } catch (IOException e) {
            try {
                Files.deleteIfExists(file(layout).resolveSibling("spare.new"));
            } catch (IOException again) {
                e.addSuppressed(again);
            }
        }
    }

    /** Gives the space away; false if there is none. */
    static boolean use(Layout layout) throws IOException {
        return Files.deleteIfExists(file(layout));
    }

    static boolean isFull(IOException failure) {
        return Failures.of(failure, Outcome.FAILED_CLEAN, "").error() == StorageError.NO_SPACE;
    }
}

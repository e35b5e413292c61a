package dev.tenon.it.sidebyside;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What storages leave that does not go away with their directory. */
final class Leftovers {
    private static final Path PVE_LOCKS = Path.of("/var/lock/pve-manager");

    private Leftovers() {}

    /** Makes base images deletable again, and removes the lock file, which is elsewhere with PVE's own libraries. */
    static void remove(String storage, Path... directories) throws IOException {
        for (Path directory : directories) {
            try {
                new ProcessBuilder("chattr", "-R", "-i", directory.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        Files.deleteIfExists(PVE_LOCKS.resolve("pve-storage-" + storage));
    }
}

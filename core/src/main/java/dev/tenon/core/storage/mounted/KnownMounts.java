package dev.tenon.core.storage.mounted;

import java.nio.file.Path;

/** The mounts as one operation knows them: read once, and again when it has changed them. */
final class KnownMounts {
    private final Path file;
    private volatile MountTable table;

    KnownMounts(Path file) {
        this.file = file;
        table = MountTable.read(file);
    }

    MountTable table() {
        return table;
    }

    MountTable readAgain() {
        MountTable now = MountTable.read(file);
        table = now;
        return now;
    }
}

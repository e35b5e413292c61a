package dev.tenon.core.storage.common;

import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;

/** The rules of PVE for the name of a new snapshot, whatever a storage makes of it. */
public final class SnapshotNames {
    /** What PVE calls a volume as it is now where it expects the name of a snapshot. */
    private static final String CURRENT = "current";

    /** The longest name that PVE takes. */
    private static final int LONGEST = 40;

    private SnapshotNames() {}

    /**
     * Refuses a name that no new snapshot may have.
     *
     * @throws StorageException {@code INVALID_NAME}
     */
    public static void refuseUnfit(SnapshotName snapshot) {
        if (snapshot.value().equals(CURRENT)) {
            throw refused(snapshot, "the volume as it is now is called so");
        }
        refuseTooLong(snapshot);
    }

    /** Refuses a name that no snapshot may have; fails as the other does. */
    public static void refuseTooLong(SnapshotName snapshot) {
        String name = snapshot.value();
        if (name.length() > LONGEST) {
            throw refused(snapshot, "it has " + name.length() + " characters and the most allowed is " + LONGEST);
        }
    }

    private static StorageException refused(SnapshotName snapshot, String why) {
        return StorageException.refused(
                StorageError.INVALID_NAME, "no snapshot can be called " + Quoted.of(snapshot.value()) + ": " + why);
    }
}

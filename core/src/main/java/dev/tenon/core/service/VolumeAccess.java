package dev.tenon.core.service;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Who may use a volume, by PVE's rules. */
record VolumeAccess(Permissions permissions) {
    private static final String ALLOCATE = "Datastore.Allocate";
    private static final String ALLOCATE_SPACE = "Datastore.AllocateSpace";
    private static final String AUDIT = "Datastore.Audit";

    void check(VolumeId volid, ParsedVolume parsed, @Nullable Vmid guest, @Nullable ContentType expected) {
        ContentType type = parsed.type();
        boolean isImageOfContainer = expected == ContentType.ROOTDIR && type == ContentType.IMAGES;
        if (expected != null && type != expected && !isImageOfContainer) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "unable to use volume " + volid + " - content type needs to be '" + expected.word() + "'");
        }
        String storage = "/storage/" + volid.storage();
        if (permissions.has(storage, ALLOCATE)) {
            return;
        }
        Vmid owner = parsed.owner();
        switch (type) {
            case ISO, VZTMPL, IMPORT -> require(storage, Set.of(ALLOCATE_SPACE, AUDIT));
            case IMAGES, ROOTDIR, BACKUP -> {
                if (owner == null) {
                    throw missing(volid);
                }
                if (!owner.equals(guest)) {
                    boolean isBackup = type == ContentType.BACKUP;
                    require(storage, Set.of(isBackup ? ALLOCATE_SPACE : AUDIT));
                    require("/vms/" + owner, Set.of(isBackup ? "VM.Backup" : "VM.Config.Disk"));
                }
            }
            case SNIPPETS, NONE -> throw missing(volid);
        }
    }

    private void require(String path, Set<String> privileges) {
        if (!permissions.hasAny(path, privileges)) {
            throw StorageException.refused(
                    StorageError.PERMISSION_DENIED,
                    "Permission check failed (" + path + ", " + String.join("|", new TreeSet<>(privileges)) + ")");
        }
    }

    private static StorageException missing(VolumeId volid) {
        return StorageException.refused(StorageError.PERMISSION_DENIED, "missing privileges to access " + volid);
    }
}

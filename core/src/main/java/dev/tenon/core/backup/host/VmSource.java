package dev.tenon.core.backup.host;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BackupMechanism;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The disks of a VM, over NBD or as open files, whichever the provider wants. */
final class VmSource implements BackupRun.Source {
    private final DiskOpener opener;
    private final Map<DeviceName, BitmapMode> bitmaps = new LinkedHashMap<>();
    private @Nullable WorkDirectory work;
    private @Nullable GuestDisks disks;
    private @Nullable FileHandles handles;

    VmSource(DiskOpener opener) {
        this.opener = opener;
    }

    @Override
    public GuestType type() {
        return GuestType.QEMU;
    }

    @Override
    public void prepare(WorkDirectory directory, BackupRequest request) throws IOException {
        work = directory;
        disks = opener.open(directory, request.storage());
    }

    @Override
    public void handOver(BackupProvider provider, BackupRequest request, RunLog log) throws IOException {
        WorkDirectory directory = Objects.requireNonNull(work, "not prepared");
        GuestDisks opened = Objects.requireNonNull(disks, "not prepared");
        Map<DeviceName, ByteSize> sizes = opened.sizes();
        sizes.forEach((device, size) -> log.info("INFO: include disk '" + device + "' " + size.shown()));
        BackupMechanism mechanism = provider.backupMechanism(request.guest(), GuestType.QEMU);
        refuseUnfit(provider, mechanism, GuestType.QEMU);
        Map<DeviceName, BitmapUse> uses = provider.queryIncremental(request.guest(), sizes);
        Map<DeviceName, BackupDisk> shown = opened.show(uses);
        shown.forEach((device, disk) -> {
            bitmaps.put(device, disk.bitmap());
            log.info("INFO: " + device + ": " + told(uses.get(device), disk.bitmap()));
        });
        if (mechanism == BackupMechanism.FILE_HANDLE) {
            handles = new FileHandles(directory);
            shown = handles.of(shown);
        }
        provider.backupVm(request.guest(), request.configs(), shown, request.limits());
    }

    static void refuseUnfit(BackupProvider provider, BackupMechanism mechanism, GuestType type) {
        if (!mechanism.fits(type)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "the provider '" + provider.providerName() + "' wants a guest of type '" + type.word()
                            + "' by the mechanism '" + mechanism.word() + "', which there is not for it");
        }
    }

    private static String told(@Nullable BitmapUse wanted, BitmapMode mode) {
        return switch (mode) {
            case REUSE -> "only what changed since the last backup is read";
            case NEW ->
                wanted == BitmapUse.USE
                        ? "there is no bitmap of the last backup, so all is read; a new one begins"
                        : "all is read; a bitmap begins";
            case NONE -> "all is read";
        };
    }

    @Override
    public void committed() throws IOException {
        closeHandles();
        if (disks != null) {
            disks.committed();
        }
    }

    private void closeHandles() {
        if (handles != null) {
            handles.close();
            handles = null;
        }
    }

    @Override
    public Map<DeviceName, BitmapMode> bitmaps() {
        return Map.copyOf(bitmaps);
    }

    @Override
    public void close() {
        closeHandles();
        if (disks != null) {
            disks.close();
            disks = null;
        }
    }
}

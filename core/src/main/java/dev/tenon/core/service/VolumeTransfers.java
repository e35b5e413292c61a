package dev.tenon.core.service;

import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.storage.common.WholeImport;
import dev.tenon.core.stream.LocalStream;
import dev.tenon.core.stream.StreamSettings;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Volumes that leave a storage as a stream, come as one, or do both at once. */
final class VolumeTransfers {
    private final Storages storages;
    private final Operation operation;
    private final Locks locks;

    VolumeTransfers(Storages storages, Operation operation, Locks locks) {
        this.storages = storages;
        this.operation = operation;
        this.locks = locks;
    }

    String exportVolume(VolumeId volume, @Nullable String format, Transfer transfer, ExportStream stream) {
        Configured from = storages.enabled(volume.storage());
        String chosen = chosen(
                "cannot export volume '" + volume + "'",
                from,
                format,
                from.plugin().exportFormats(from.storage(), volume.volume(), transfer));
        activate(from, volume, transfer);
        export(from, volume, chosen, transfer, stream);
        return chosen;
    }

    private static String chosen(String failure, Configured configured, @Nullable String wanted, List<String> offered) {
        if (offered.isEmpty()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    failure + ": storage type '" + configured.plugin().type() + "' has no stream format for it");
        }
        if (wanted != null && !offered.contains(wanted)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    failure + " in format " + Quoted.of(wanted) + "; choose one of " + String.join(", ", offered));
        }
        return wanted == null ? offered.getFirst() : wanted;
    }

    private void activate(Configured from, VolumeId volume, Transfer transfer) {
        operation.activate(from.id());
        from.plugin()
                .activateVolume(from.storage(), volume.volume(), transfer.snapshot(), operation.cache(), Hints.NONE);
    }

    private void export(Configured from, VolumeId volume, String format, Transfer transfer, ExportStream stream) {
        try {
            from.plugin().exportVolume(from.storage(), volume.volume(), format, transfer, stream);
        } finally {
            SnapshotName snapshot = transfer.snapshot();
            if (snapshot != null) {
                operation.deactivate(from, volume, snapshot);
            }
        }
    }

    VolumeId importVolume(
            VolumeId volume, @Nullable String format, Transfer transfer, boolean allowRename, ImportStream stream) {
        Configured to = storages.enabled(volume.storage());
        String chosen = chosen(
                "cannot import into volume '" + volume + "'",
                to,
                format,
                to.plugin().importFormats(to.storage(), volume.volume(), transfer));
        operation.activate(to.id());
        return imported(to, volume, chosen, transfer, allowRename, stream);
    }

    private VolumeId imported(
            Configured to,
            VolumeId volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        StoragePlugin plugin = to.plugin();
        Supplier<VolumeId> importing =
                () -> plugin.importVolume(to.storage(), volume.volume(), format, transfer, allowRename, stream);
        // A storage whose volumes are files has nothing under the name before all data has arrived.
        return plugin.imageFiles().isPresent()
                ? importing.get()
                : new WholeImport(plugin, to.storage(), volume.volume(), allowRename)
                        .run(wasFree -> importing.get(), StorageLock.around(to, locks));
    }

    VolumeId copyVolume(VolumeId volume, VolumeId to, Transfer transfer, StreamSettings settings) {
        Configured from = storages.enabled(volume.storage());
        Configured target = storages.enabled(to.storage());
        if (from.plugin().imageFiles().isPresent()
                && target.plugin().imageFiles().isPresent()
                && !transfer.withSnapshots()
                && transfer.base() == null
                && isDisk(from.plugin().parseVolname(volume.volume()))
                && target.plugin().parseVolname(to.volume()) instanceof ParsedVolume.GuestImage copy
                && isDisk(copy)
                && isOnItsOwn(copy)) {
            return new ImageCopying(operation, locks, settings.bytesPerSecond(), settings.progress())
                    .copy(volume, transfer.snapshot(), target(to, copy));
        }
        List<String> offered = from.plugin().exportFormats(from.storage(), volume.volume(), transfer);
        List<String> taken = target.plugin().importFormats(target.storage(), to.volume(), transfer);
        String format = offered.stream()
                .filter(taken::contains)
                .findFirst()
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_SUPPORTED,
                        "cannot migrate from storage type '" + from.plugin().type() + "' to '"
                                + target.plugin().type() + "': volume '" + volume + "' leaves as " + words(offered)
                                + ", '" + to + "' comes as " + words(taken)));
        operation.activate(target.id());
        activate(from, volume, transfer);
        return new LocalStream(settings)
                .run(
                        stream -> export(from, volume, format, transfer, stream),
                        stream -> imported(target, to, format, transfer, false, stream));
    }

    private static boolean isDisk(ParsedVolume volume) {
        return volume instanceof ParsedVolume.GuestImage
                && volume.format() instanceof Format.Image format
                && format != Format.Image.SUBVOL;
    }

    private static boolean isOnItsOwn(ParsedVolume.GuestImage image) {
        return image.owner() != null && image.base() == null && !image.isBase();
    }

    private static CopyTarget target(VolumeId to, ParsedVolume.GuestImage copy) {
        if (copy.owner() == null || !(copy.format() instanceof Format.Image format)) {
            throw new IllegalArgumentException("'" + to + "' is not a guest image");
        }
        return new CopyTarget(to.storage(), copy.owner(), format, copy.name());
    }

    private static String words(List<String> formats) {
        return formats.isEmpty() ? "none" : String.join(", ", formats);
    }
}

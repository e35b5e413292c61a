package dev.tenon.core.service;

import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.BackupProvider;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Backups: who makes them, and which are kept, because they are protected or by a retention. */
record KeptBackups(Storages storages, Permissions permissions) {
    /** How many backups of a guest may be protected by who may not configure the storage, if it does not say. */
    private static final int USUAL_PROTECTED_BACKUPS = 5;

    private static final int UNLIMITED = -1;

    void updateAttribute(VolumeId volume, VolumeAttribute attribute, @Nullable String value) {
        Configured configured = storages.get(volume.storage());
        boolean isSet = value != null && !value.isEmpty() && !value.equals("0");
        if (attribute == VolumeAttribute.PROTECTED && isSet) {
            ParsedVolume parsed = configured.plugin().parseVolname(volume.volume());
            Vmid owner = parsed.owner();
            if (parsed.type() == ContentType.BACKUP && owner != null) {
                refuseTooManyProtected(configured, volume, owner);
            }
        }
        configured.plugin().updateAttribute(configured.storage(), volume.volume(), attribute, value);
    }

    private void refuseTooManyProtected(Configured configured, VolumeId volume, Vmid owner) {
        int limit = protectedBackups(configured);
        StoragePlugin plugin = configured.plugin();
        if (limit == UNLIMITED
                || plugin.attribute(configured.storage(), volume.volume(), VolumeAttribute.PROTECTED)
                        .filter(value -> !value.equals("0"))
                        .isPresent()) {
            return;
        }
        List<ListedVolume> backups = plugin.listVolumes(configured.storage(), owner, EnumSet.of(ContentType.BACKUP));
        String subtype = backups.stream()
                .filter(backup -> backup.volume().volid().equals(volume))
                .map(ListedVolume::subtype)
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
        long count = backups.stream()
                .filter(ListedVolume::isProtected)
                .filter(backup -> subtype == null || subtype.equals(backup.subtype()))
                .count();
        if (limit <= count) {
            throw StorageException.refused(
                    StorageError.PERMISSION_DENIED,
                    "The number of protected backups per guest is limited to " + limit + " on storage '"
                            + configured.id() + "'");
        }
    }

    private int protectedBackups(Configured configured) {
        Optional<String> setting = configured.storage().config().text("max-protected-backups");
        if (setting.isPresent()) {
            try {
                return Integer.parseInt(setting.get());
            } catch (NumberFormatException e) {
                throw StorageException.refused(
                        StorageError.BAD_CONFIG,
                        "storage '" + configured.id() + "': max-protected-backups " + Quoted.of(setting.get())
                                + " is not a number");
            }
        }
        return permissions.has("/storage/" + configured.id(), "Datastore.Allocate")
                ? UNLIMITED
                : USUAL_PROTECTED_BACKUPS;
    }

    Pruned prune(
            StorageId storage,
            @Nullable Retention retention,
            BackupSelection selection,
            boolean isDryRun,
            TaskLog log) {
        Configured configured = withBackups(storage);
        Retention wanted = retention == null ? configuredRetention(configured) : retention;
        new Operation(storages).activate(storage);
        return configured.plugin().pruneBackups(configured.storage(), wanted, selection, isDryRun, log);
    }

    BackupProvider newProvider(StorageId storage, TaskLog log) {
        Configured configured = withBackups(storage);
        new Operation(storages).activate(storage);
        return configured.plugin().newBackupProvider(configured.storage(), log);
    }

    private Configured withBackups(StorageId storage) {
        Configured configured = storages.get(storage);
        if (!Inventory.contentOf(configured).contains(ContentType.BACKUP)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "storage '" + storage + "' does not support backups");
        }
        return configured;
    }

    private static Retention configuredRetention(Configured configured) {
        Map<String, Long> keep = new LinkedHashMap<>();
        configured.storage().config().map("prune-backups").forEach((name, count) -> {
            try {
                keep.put(name, Long.parseLong(count));
            } catch (NumberFormatException e) {
                throw StorageException.refused(
                        StorageError.BAD_CONFIG,
                        "storage '" + configured.id() + "': prune-backups has " + name + "=" + Quoted.of(count)
                                + ", which is not a number");
            }
        });
        if (keep.isEmpty()) {
            throw StorageException.refused(
                    StorageError.BAD_CONFIG,
                    "no prune-backups options configured for storage '" + configured.id() + "'");
        }
        return new Retention(keep);
    }
}

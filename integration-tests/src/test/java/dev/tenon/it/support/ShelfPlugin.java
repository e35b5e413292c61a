package dev.tenon.it.support;

import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.spi.backup.ArchiveName;
import dev.tenon.core.spi.backup.BackupMechanism;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.storage.common.BackupRemoval;
import dev.tenon.core.storage.common.DevicePlugin;
import dev.tenon.core.storage.common.Pruning;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A storage type in Java that keeps backups of guests, and nothing else: a directory for each, as {@link Shelf} has them. */
public final class ShelfPlugin extends DevicePlugin {
    private static final PluginData DATA = new PluginData(
            Set.of("backup", "none"),
            Set.of("backup"),
            Set.of(),
            null,
            Set.of(),
            Set.of("backup-provider"),
            false,
            Map.of());

    private final BackupMechanism ofVms;

    /** Its providers take the disks of VMs in this way. */
    public ShelfPlugin(BackupMechanism ofVms) {
        this.ofVms = ofVms;
    }

    @Override
    public String type() {
        return "shelf";
    }

    @Override
    public PluginData pluginData() {
        return DATA;
    }

    @Override
    public Map<String, PropertySchema> properties() {
        return Map.of();
    }

    @Override
    public Map<String, PropertyOption> options() {
        PropertyOption optional = new PropertyOption(true, false);
        return Map.of("path", new PropertyOption(false, true), "content", optional, "disable", optional);
    }

    private static Shelf shelf(Storage storage) {
        return new Shelf(Path.of(storage.config()
                .text("path")
                .orElseThrow(() -> StorageException.refused(
                        StorageError.BAD_CONFIG, "storage '" + storage.id() + "' has no path"))));
    }

    @Override
    public BackupProvider newBackupProvider(Storage storage, TaskLog log) {
        return new ShelfProvider(shelf(storage), ofVms, log);
    }

    // ---- archives as volumes

    @Override
    public ParsedVolume parseVolname(VolumeName volume) {
        String name = ArchiveName.of(volume).value();
        Shelf.Name parsed = Shelf.Name.of(name);
        return new ParsedVolume.Content(ContentType.BACKUP, name, parsed.guest(), Format.ofWord("shelf"));
    }

    @Override
    public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        return new VolumePath(
                shelf(storage).archive(ArchiveName.of(volume).value()).toString(),
                parseVolname(volume).owner(),
                ContentType.BACKUP);
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        return List.of();
    }

    @Override
    public List<ListedVolume> listVolumes(Storage storage, @Nullable Vmid owner, Set<ContentType> content) {
        if (!content.contains(ContentType.BACKUP)) {
            return List.of();
        }
        Shelf shelf = shelf(storage);
        return shelf.archives().stream()
                .filter(name -> owner == null || owner.equals(name.guest()))
                .map(name -> listed(storage, shelf, name))
                .toList();
    }

    private static ListedVolume listed(Storage storage, Shelf shelf, Shelf.Name name) {
        VolumeInfo info = new VolumeInfo(
                new VolumeId(storage.id(), new ArchiveName(name.text()).volume()),
                Format.ofWord("shelf"),
                ByteSize.ofBytes(Math.max(1, shelf.size(name.text()))),
                name.guest(),
                null,
                null,
                name.seconds(),
                Map.of());
        String notes = shelf.note(name.text(), "notes");
        return new ListedVolume(
                info,
                ContentType.BACKUP,
                name.type().word(),
                notes.isEmpty() ? null : notes.lines().findFirst().orElse(null),
                shelf.isProtected(name.text()));
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        String name = present(storage, volume);
        ByteSize size = ByteSize.ofBytes(Math.max(1, shelf(storage).size(name)));
        return new SizeInfo(size, Format.ofWord("shelf"), size, null, null);
    }

    private static String present(Storage storage, VolumeName volume) {
        String name = ArchiveName.of(volume).value();
        if (!shelf(storage).isComplete(name)) {
            throw StorageException.refused(
                    StorageError.NOT_FOUND, "there is no backup '" + storage.id() + ":" + volume + "'");
        }
        return name;
    }

    @Override
    public Optional<String> attribute(Storage storage, VolumeName volume, VolumeAttribute attribute) {
        String name = present(storage, volume);
        return Optional.of(
                attribute == VolumeAttribute.NOTES
                        ? shelf(storage).note(name, "notes")
                        : shelf(storage).isProtected(name) ? "1" : "0");
    }

    @Override
    public void updateAttribute(Storage storage, VolumeName volume, VolumeAttribute attribute, @Nullable String value) {
        String name = present(storage, volume);
        boolean isOff =
                value == null || value.isEmpty() || (attribute == VolumeAttribute.PROTECTED && value.equals("0"));
        shelf(storage).setNote(name, attribute.word(), isOff ? null : value);
    }

    @Override
    public Optional<Cleanup> freeImage(Storage storage, VolumeName volume, boolean isBase, @Nullable Format format) {
        String name = ArchiveName.of(volume).value();
        if (shelf(storage).isProtected(name)) {
            throw StorageException.refused(
                    StorageError.IN_USE, "the backup '" + storage.id() + ":" + volume + "' is protected");
        }
        shelf(storage).remove(name);
        return Optional.empty();
    }

    @Override
    protected Optional<Cleanup> remove(Storage storage, VolumeName volume) {
        return freeImage(storage, volume, false, null);
    }

    @Override
    public Pruned pruneBackups(
            Storage storage, Retention retention, BackupSelection selection, boolean isDryRun, TaskLog log) {
        Pruning.check(retention);
        List<ListedVolume> own = listVolumes(storage, selection.owner(), Set.of(ContentType.BACKUP)).stream()
                .filter(volume -> selection.type() == null || selection.type().equals(volume.subtype()))
                .toList();
        List<PruneMark> marks = Pruning.marksAsListed(own, retention);
        if (!isDryRun) {
            BackupRemoval.run(marks, mark -> freeImage(storage, mark.volid().volume(), false, null), log);
        }
        return new Pruned(marks, retention);
    }

    // ---- the storage

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        return shelf(storage).status();
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        shelf(storage).open();
    }

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        present(storage, volume);
    }

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        throw StorageException.refused(StorageError.NOT_SUPPORTED, "the type 'shelf' keeps backups and no images");
    }
}

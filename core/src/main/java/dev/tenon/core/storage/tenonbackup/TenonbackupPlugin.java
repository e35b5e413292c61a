package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.repository.BadRepositoryException;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.backup.repository.SnapshotId;
import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.FileSystemStatus;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.NamePattern;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Secrets;
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
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.storage.common.BackupRemoval;
import dev.tenon.core.storage.common.DevicePlugin;
import dev.tenon.core.storage.common.Pruning;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The storage type {@code tenonbackup}: backups, and nothing else, in a repository of chunks in a directory. */
public final class TenonbackupPlugin extends DevicePlugin {
    private static final Logger LOG = LoggerFactory.getLogger(TenonbackupPlugin.class);
    private static final String KEY = StorageRepository.KEY;

    /** Of a backup that cannot be read; any other has a byte. */
    private static final ByteSize NOTHING = ByteSize.ofBytes(0);

    private static final Format FORMAT = Format.ofWord("tenon");
    private static final PluginData DATA = new PluginData(
            Set.of("backup", "none"),
            Set.of("backup"),
            Set.of(),
            null,
            Set.of(KEY),
            Set.of("backup-provider"),
            false,
            Map.of());

    @Override
    public String type() {
        return "tenonbackup";
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
        return Map.of(
                "path",
                new PropertyOption(false, true),
                "content",
                optional,
                "disable",
                optional,
                KEY,
                optional,
                "nodes",
                optional,
                "shared",
                optional,
                "prune-backups",
                optional,
                "max-protected-backups",
                optional);
    }

    // ---- the repository

    /** Work with the repository of a storage. */
    private interface Work<T> {
        T on(Repository repository) throws IOException;
    }

    private static <T> T with(Storage storage, String doing, Work<T> work) {
        try (Repository repository = StorageRepository.open(storage)) {
            return work.on(repository);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "storage '" + storage.id() + "' cannot " + doing);
        }
    }

    /** An empty directory becomes a repository; one that is there is taken as it is. */
    @Override
    public HookResult onAdd(Storage storage, Secrets secrets) {
        try {
            Optional<String> key = secrets.changes().getOrDefault(KEY, Optional.empty());
            String made = StorageRepository.add(storage, key.orElse(null));
            return new HookResult(
                    marked(storage, storage.config().properties(), key.isPresent()),
                    made == null ? Map.of() : Map.of(KEY, made));
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "storage '" + storage.id() + "' cannot make a repository");
        }
    }

    /** PVE tells by the configuration that backups are encrypted: it has the key's fingerprint in place of the key. */
    private static Map<String, Object> marked(Storage storage, Map<String, Object> properties, boolean hasKey)
            throws IOException {
        Map<String, Object> marked = new LinkedHashMap<>(properties);
        if (hasKey) {
            try (Repository repository = StorageRepository.open(storage)) {
                repository.fingerprint().ifPresent(fingerprint -> marked.put(KEY, fingerprint));
            }
        }
        return marked;
    }

    @Override
    public HookResult onUpdate(Storage storage, ConfigChange change) {
        Optional<String> key = change.secrets().changes().get(KEY);
        if (key == null) {
            return super.onUpdate(storage, change);
        }
        try {
            Map<String, Object> marked = new LinkedHashMap<>(change.set());
            StorageRepository.change(storage, key.orElse(null)).ifPresent(fingerprint -> marked.put(KEY, fingerprint));
            return new HookResult(marked, Map.of());
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "storage '" + storage.id() + "' cannot take this key");
        }
    }

    @Override
    public void onDelete(Storage storage) {
        StorageRepository.putAway(storage.id());
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        with(storage, "open its repository", repository -> true);
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        activateStorage(storage, cache);
        try {
            FileSystemStatus room = FileSystemStatus.of(StorageRepository.directory(storage));
            return new StorageStatus.Active(
                    ByteSize.ofBytes(room.total()),
                    ByteSize.ofBytes(room.available()),
                    ByteSize.ofBytes(room.total() - room.free()));
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "storage '" + storage.id() + "' has no status");
        }
    }

    @Override
    public BackupProvider newBackupProvider(Storage storage, TaskLog log) {
        try {
            return new TenonbackupProvider(storage.id(), StorageRepository.open(storage), log);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "storage '" + storage.id() + "' cannot open its repository");
        }
    }

    // ---- archives as volumes

    @Override
    public ParsedVolume parseVolname(VolumeName volume) {
        SnapshotId id = Archives.id(volume);
        return new ParsedVolume.Content(ContentType.BACKUP, Archives.name(id).value(), id.guest(), FORMAT);
    }

    @Override
    public List<NamePattern> namePatterns() {
        return List.of(new NamePattern(Archives.VOLUME, ContentType.BACKUP, false, FORMAT));
    }

    /** An address that only tells where it is: an archive is not a file. */
    @Override
    public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        SnapshotId id = Archives.id(volume);
        return new VolumePath(
                "tenonbackup:" + StorageRepository.directory(storage) + "::" + Archives.name(id),
                id.guest(),
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
        return with(storage, "list its backups", repository -> {
            List<ListedVolume> listed = new ArrayList<>();
            for (SnapshotId id : repository.list(Archives.NAMESPACE)) {
                if (owner == null || owner.equals(id.guest())) {
                    listed(storage, repository, id).ifPresent(listed::add);
                }
            }
            return listed;
        });
    }

    /** A backup whose record is damaged is listed with no size: it hides no other, and can be removed. */
    private static Optional<ListedVolume> listed(Storage storage, Repository repository, SnapshotId id)
            throws IOException {
        try {
            Optional<Snapshot> snapshot = repository.find(id);
            return snapshot.isEmpty()
                    ? Optional.empty()
                    : Optional.of(listed(
                            storage,
                            repository,
                            id,
                            Archives.size(snapshot.get()),
                            snapshot.get().stored()));
        } catch (BadRepositoryException e) {
            LOG.warn(
                    "event=damaged-backup backup={}:{} reason={}",
                    storage.id(),
                    id,
                    Quoted.inWords(String.valueOf(e.getMessage())));
            return Optional.of(listed(storage, repository, id, NOTHING, NOTHING));
        }
    }

    private static ListedVolume listed(
            Storage storage, Repository repository, SnapshotId id, ByteSize size, ByteSize stored) throws IOException {
        VolumeInfo info = new VolumeInfo(
                new VolumeId(storage.id(), Archives.name(id).volume()),
                FORMAT,
                size,
                id.guest(),
                stored,
                null,
                id.time().getEpochSecond(),
                repository
                        .fingerprint()
                        .<Map<String, Object>>map(fingerprint -> Map.of("encrypted", fingerprint))
                        .orElse(Map.of()));
        return new ListedVolume(
                info,
                ContentType.BACKUP,
                id.type().word(),
                repository.notes(id).lines().findFirst().orElse(null),
                repository.isProtected(id));
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        return with(storage, "read a backup", repository -> {
            Snapshot snapshot = present(storage, repository, volume);
            return new SizeInfo(
                    Archives.size(snapshot),
                    FORMAT,
                    snapshot.stored(),
                    null,
                    snapshot.id().time().getEpochSecond());
        });
    }

    private static Snapshot present(Storage storage, Repository repository, VolumeName volume) throws IOException {
        return repository
                .find(Archives.id(volume))
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_FOUND, "there is no backup '" + storage.id() + ":" + volume + "'"));
    }

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        with(storage, "read a backup", repository -> present(storage, repository, volume));
    }

    @Override
    public Optional<String> attribute(Storage storage, VolumeName volume, VolumeAttribute attribute) {
        return with(storage, "read a backup", repository -> {
            SnapshotId id = present(storage, repository, volume).id();
            return Optional.of(
                    switch (attribute) {
                        case NOTES -> repository.notes(id);
                        case PROTECTED -> repository.isProtected(id) ? "1" : "0";
                    });
        });
    }

    @Override
    public void updateAttribute(Storage storage, VolumeName volume, VolumeAttribute attribute, @Nullable String value) {
        with(storage, "change a backup", repository -> {
            SnapshotId id = present(storage, repository, volume).id();
            switch (attribute) {
                case NOTES -> repository.setNotes(id, value == null ? "" : value);
                case PROTECTED -> repository.setProtected(id, value != null && !value.isEmpty() && !value.equals("0"));
            }
            return id;
        });
    }

    /** The space is freed afterwards, which may take long. */
    @Override
    protected Optional<Cleanup> remove(Storage storage, VolumeName volume) {
        forget(storage, volume);
        return Optional.of(() -> collect(storage));
    }

    private static void forget(Storage storage, VolumeName volume) {
        with(storage, "remove a backup", repository -> {
            SnapshotId id = Archives.id(volume);
            if (repository.isProtected(id)) {
                throw StorageException.refused(
                        StorageError.IN_USE, "the backup '" + storage.id() + ":" + volume + "' is protected");
            }
            repository.forget(id);
            return id;
        });
    }

    /** A collection that runs now frees the space of this storage too, or else the next one does. */
    private static void collect(Storage storage) {
        try {
            with(storage, "free the space of removed backups", repository -> {
                // A host that only adds backups cannot see what is still needed; another host frees the space.
                if (repository.canRead()) {
                    repository.collect();
                }
                return true;
            });
        } catch (StorageException e) {
            if (e.error() != StorageError.IN_USE) {
                throw e;
            }
        }
    }

    @Override
    public Pruned pruneBackups(
            Storage storage, Retention retention, BackupSelection selection, boolean isDryRun, TaskLog log) {
        Pruning.check(retention);
        List<ListedVolume> own = listVolumes(storage, selection.owner(), Set.of(ContentType.BACKUP)).stream()
                .filter(volume -> selection.type() == null || selection.type().equals(volume.subtype()))
                // One that cannot be read must not take the place of a good one.
                .filter(volume -> !NOTHING.equals(volume.volume().size()))
                .toList();
        List<PruneMark> marks = Pruning.marksAsListed(own, retention);
        if (!isDryRun) {
            BackupRemoval.run(marks, mark -> forget(storage, mark.volid().volume()), log);
            collect(storage);
        }
        return new Pruned(marks, retention);
    }

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED, "storage '" + storage.id() + "' keeps backups, and no images");
    }
}

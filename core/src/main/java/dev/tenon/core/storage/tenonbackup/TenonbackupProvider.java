package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.host.ShownDisk;
import dev.tenon.core.backup.host.WorkDirectory;
import dev.tenon.core.backup.repository.BadRepositoryException;
import dev.tenon.core.backup.repository.DiskReader;
import dev.tenon.core.backup.repository.DiskWriter;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryReader;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.backup.repository.SnapshotId;
import dev.tenon.core.backup.repository.SnapshotWriter;
import dev.tenon.core.backup.repository.TreeReader;
import dev.tenon.core.image.RateLimit;
import dev.tenon.core.linux.NoSpaceException;
import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.backup.ArchiveName;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.BackupMechanism;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.BackupStatistics;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.ContainerArchive;
import dev.tenon.core.spi.backup.ContainerTree;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.DiskAccess;
import dev.tenon.core.spi.backup.GuestConfigs;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.core.spi.backup.RestoreMechanism;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** Backups into a repository. Nothing of a backup is visible before it is complete, so nothing has to be removed. */
final class TenonbackupProvider implements BackupProvider {
    private static final Path RUNTIME = Path.of("/run/tenon");

    /** The archive of a container is shown as a disk is. */
    private static final DeviceName TREE = new DeviceName("tree");

    private final StorageId storage;
    private final Repository repository;
    private final TaskLog log;
    private final Map<DeviceName, ShownDisk> shown = new TreeMap<>();

    /** What the shown ones are of. */
    private final Map<DeviceName, DiskReader> read = new TreeMap<>();

    private @Nullable SnapshotId archive;
    private @Nullable Instant begun;
    private @Nullable Snapshot made;
    private @Nullable RepositoryReader reader;
    private @Nullable WorkDirectory work;

    TenonbackupProvider(StorageId storage, Repository repository, TaskLog log) {
        this.storage = storage;
        this.repository = repository;
        this.log = log;
    }

    /** Work with the repository that may fail. */
    private interface Work<T> {
        T run() throws IOException;
    }

    private static <T> T doing(String what, Work<T> work) {
        try {
            return work.run();
        } catch (IOException e) {
            boolean isInterrupted = Thread.currentThread().isInterrupted();
            throw new StorageException(
                    isInterrupted
                            ? StorageError.CANCELLED
                            : switch (e) {
                                case BadRepositoryException _ -> StorageError.BAD_RESULT;
                                case NoSpaceException _ -> StorageError.NO_SPACE;
                                default -> StorageError.STORAGE_UNAVAILABLE;
                            },
                    Outcome.FAILED_CLEAN,
                    "unable to " + what + ": " + e.getMessage(),
                    e);
        }
    }

    @Override
    public String providerName() {
        return "Tenon";
    }

    @Override
    public void initJob(Instant start) {}

    @Override
    public void cleanupJob() {}

    // ---- backup

    @Override
    public ArchiveName initBackup(Vmid guest, GuestType type, Instant start) {
        SnapshotId id = doing("name the backup", () -> free(new SnapshotId(Archives.NAMESPACE, type, guest, start)));
        archive = id;
        // The host's snapshot of a container comes later than this; its clock may have been set back meanwhile.
        Instant now = Instant.now();
        begun = start.isBefore(now) ? start : now;
        made = null;
        return Archives.name(id);
    }

    /** Two backups of a guest may begin in one second. */
    private SnapshotId free(SnapshotId wanted) throws IOException {
        SnapshotId id = wanted;
        while (repository.find(id).isPresent()) {
            id = new SnapshotId(id.namespace(), id.type(), id.guest(), id.time().plusSeconds(1));
        }
        return id;
    }

    private SnapshotId current() {
        return Optional.ofNullable(archive)
                .orElseThrow(() -> StorageException.refused(StorageError.BAD_PARAMETER, "no backup has begun"));
    }

    @Override
    public BackupMechanism backupMechanism(Vmid guest, GuestType type) {
        return type == GuestType.LXC ? BackupMechanism.DIRECTORY : BackupMechanism.NBD;
    }

    @Override
    public Map<DeviceName, BitmapUse> queryIncremental(Vmid guest, Map<DeviceName, ByteSize> disks) {
        return doing("look for the last backup of guest " + guest, () -> {
            Map<DeviceName, BitmapUse> uses = new LinkedHashMap<>();
            if (!repository.canRead()) {
                disks.keySet().forEach(disk -> uses.put(disk, BitmapUse.NEW));
                return uses;
            }
            try (RepositoryReader from = repository.read()) {
                Optional<Snapshot> base = base(guest, GuestType.QEMU);
                for (Map.Entry<DeviceName, ByteSize> disk : disks.entrySet()) {
                    Snapshot.@Nullable Disk before = base.map(
                                    snapshot -> snapshot.disks().get(disk.getKey()))
                            .orElse(null);
                    boolean isUsable = before != null && before.size().equals(disk.getValue()) && from.isWhole(before);
                    uses.put(disk.getKey(), isUsable ? BitmapUse.USE : BitmapUse.NEW);
                }
            }
            return uses;
        });
    }

    private Optional<Snapshot> base(Vmid guest, GuestType type) throws IOException {
        return repository.base(Archives.NAMESPACE, type, guest, storage.toString());
    }

    @Override
    public void backupVm(Vmid guest, GuestConfigs configs, Map<DeviceName, BackupDisk> disks, BackupLimits limits) {
        SnapshotId id = current();
        doing("back up guest " + guest, () -> {
            try (SnapshotWriter writer = repository.write(id.namespace(), id.type(), guest, id.time())) {
                DiskCopy copy = new DiskCopy(limits);
                Optional<Snapshot> base = base(guest, GuestType.QEMU);
                for (Map.Entry<DeviceName, BackupDisk> disk : disks.entrySet()) {
                    copy(copy, writer, base, disk.getKey(), disk.getValue());
                }
                return publish(writer, configs);
            }
        });
    }

    private Snapshot publish(SnapshotWriter writer, GuestConfigs configs) throws IOException {
        Snapshot snapshot = writer.publish(configs.guest(), configs.firewall().orElse(null));
        repository.setBase(snapshot.id(), storage.toString());
        made = snapshot;
        log.log(TaskLog.Level.INFO, snapshot.stored().shown() + " were new to the repository");
        return snapshot;
    }

    private void copy(DiskCopy copy, SnapshotWriter writer, Optional<Snapshot> base, DeviceName device, BackupDisk disk)
            throws IOException {
        DiskWriter to;
        if (disk.bitmap() == BitmapMode.REUSE) {
            to = (base.isEmpty()
                            ? Optional.<DiskWriter>empty()
                            : writer.disk(device, base.get().id()))
                    .filter(found -> found.size().equals(disk.size()))
                    .orElseThrow(() -> new IOException("the backup has gone that the bitmap of disk '" + device
                            + "' goes on from; make the backup again, it will be a full one"));
        } else {
            to = writer.disk(device, disk.size());
        }
        DiskAccess.Nbd access = switch (disk.access()) {
            case DiskAccess.Nbd nbd -> nbd;
            case DiskAccess.FileHandle file ->
                throw new IOException("disk '" + device + "' comes as an open file, and NBD was asked for");
        };
        long read = copy.copy(disk, access, to);
        log.log(
                TaskLog.Level.INFO,
                device + ": read " + ByteSize.shown((double) read) + " of "
                        + disk.size().shown());
    }

    @Override
    public BackupStatistics cleanupBackup(Vmid guest, GuestType type) {
        SnapshotId id = current();
        Snapshot snapshot = Optional.ofNullable(made)
                .or(() -> doing("look for backup '" + id + "'", () -> repository.find(id)))
                .orElseThrow(() -> new StorageException(
                        StorageError.COMMAND_FAILED, Outcome.FAILED_CLEAN, "the backup '" + id + "' is not complete"));
        return new BackupStatistics(Archives.size(snapshot));
    }

    /** A published backup is good, and the base of the host's bitmaps: it stays. */
    @Override
    public void abortBackup(Vmid guest, @Nullable GuestType type, String error) {
        archive = null;
    }

    @Override
    public void handleLogFile(Vmid guest, Path file) {}

    @Override
    public void prepareContainer(Vmid guest, ContainerTree tree, BackupLimits limits) {
        current();
    }

    /** The base is only a help, unlike that of a VM: what it lacks is read. */
    @Override
    public void backupContainer(
            Vmid guest, GuestConfigs configs, List<String> exclude, ContainerTree tree, BackupLimits limits) {
        SnapshotId id = current();
        doing("back up guest " + guest, () -> {
            // Whoever only adds backups reads all files.
            try (@Nullable RepositoryReader from = repository.canRead() ? repository.read() : null;
                    SnapshotWriter writer = repository.write(id.namespace(), id.type(), guest, id.time())) {
                TreeCopy copy = new TreeCopy(
                        tree,
                        exclude,
                        from == null ? null : baseTree(guest, from),
                        Objects.requireNonNull(begun),
                        writer.tree(),
                        limits,
                        log);
                copy.copy();
                Snapshot snapshot = publish(writer, configs);
                log.log(
                        TaskLog.Level.INFO,
                        "read " + ByteSize.shown((double) copy.bytes()) + "; " + copy.unchanged()
                                + " files are as in the last backup");
                return snapshot;
            }
        });
    }

    private TreeReader.@Nullable Cursor baseTree(Vmid guest, RepositoryReader from) throws IOException {
        try {
            Optional<Snapshot> base = base(guest, GuestType.LXC);
            Optional<TreeReader> tree = base.isEmpty() ? Optional.empty() : from.tree(base.get());
            return tree.isEmpty() ? null : tree.get().from("");
        } catch (BadRepositoryException e) {
            log.log(TaskLog.Level.WARN, "the last backup cannot be read, so all files are: " + e.getMessage());
            return null;
        }
    }

    // ---- archives

    private Snapshot snapshot(VolumeName volume) {
        return doing("read backup '" + storage + ":" + volume + "'", () -> repository.find(Archives.id(volume)))
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_FOUND, "there is no backup '" + storage + ":" + volume + "'"));
    }

    @Override
    public RestoreMechanism restoreMechanism(VolumeName volume) {
        return Archives.id(volume).type() == GuestType.LXC ? RestoreMechanism.TAR : RestoreMechanism.QEMU_IMG;
    }

    @Override
    public RawConfig guestConfig(VolumeName volume) {
        return Optional.ofNullable(snapshot(volume).config())
                .orElseThrow(() -> StorageException.refused(
                        StorageError.PERMISSION_DENIED,
                        "the configuration in '" + storage + ":" + volume
                                + "' is encrypted, and the storage has no key that reads"));
    }

    @Override
    public Optional<RawConfig> firewallConfig(VolumeName volume) {
        return Optional.ofNullable(snapshot(volume).firewall());
    }

    // ---- restore

    /** Everything that a restore needs is looked for now: the host frees the old disks right after this. */
    @Override
    public Map<DeviceName, ByteSize> initVmRestore(VolumeName volume) {
        return doing("read backup '" + storage + ":" + volume + "'", () -> {
            RepositoryReader from = reading();
            Snapshot snapshot = snapshot(volume);
            Map<DeviceName, ByteSize> sizes = new LinkedHashMap<>();
            for (Map.Entry<DeviceName, Snapshot.Disk> disk : snapshot.disks().entrySet()) {
                if (!from.isWhole(disk.getValue())) {
                    throw new IOException("chunks of disk '" + disk.getKey()
                            + "' are missing; restore an older backup, and verify the repository");
                }
                sizes.put(disk.getKey(), disk.getValue().size());
            }
            return sizes;
        });
    }

    private WorkDirectory working() throws IOException {
        WorkDirectory directory = work;
        if (directory == null) {
            directory = WorkDirectory.make(RUNTIME.resolve("restore"));
            work = directory;
        }
        return directory;
    }

    private RepositoryReader reading() throws IOException {
        RepositoryReader from = reader;
        if (from == null) {
            from = repository.read();
            reader = from;
        }
        return from;
    }

    @Override
    public Path initVolumeRestore(VolumeName volume, DeviceName device) {
        return doing("show disk '" + device + "' of backup '" + storage + ":" + volume + "'", () -> {
            WorkDirectory directory = working();
            cleanupVolumeRestore(volume, device);
            DiskReader disk = disk(volume, device);
            read.put(device, disk);
            ShownDisk file = ShownDisk.show(directory, device.toString(), new RestoredDisk(disk));
            shown.put(device, file);
            return file.path();
        });
    }

    @Override
    public boolean copyVolume(
            VolumeName volume, DeviceName device, Path target, BackupLimits limits, LongConsumer copied) {
        return doing("restore disk '" + device + "' of backup '" + storage + ":" + volume + "'", () -> {
            RateLimit limit = new RateLimit(limits.bytesPerSecond());
            AtomicLong moved = new AtomicLong();
            try (DiskReader disk = disk(volume, device);
                    SparseFile file = SparseFile.openForWritingPast(target)) {
                file.setSize(disk.size().bytes());
                disk.copy(
                        (offset, chunk) -> {
                            limit.await(moved.addAndGet(chunk.remaining()), DiskCopy::endIfInterrupted);
                            file.writePast(offset, chunk);
                        },
                        copied);
                file.sync();
            }
            return true;
        });
    }

    private DiskReader disk(VolumeName volume, DeviceName device) throws IOException {
        return reading()
                .disk(snapshot(volume), device)
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_FOUND,
                        "the backup '" + storage + ":" + volume + "' has no disk '" + device + "'"));
    }

    @Override
    public void cleanupVolumeRestore(VolumeName volume, DeviceName device) {
        ShownDisk file = shown.remove(device);
        if (file != null) {
            file.close();
        }
        DiskReader disk = read.remove(device);
        if (disk != null) {
            disk.close();
        }
    }

    @Override
    public void cleanupVmRestore(VolumeName volume) {
        endRestore();
    }

    /** The archive is made while it is read. */
    @Override
    public ContainerArchive initContainerRestore(VolumeName volume) {
        return doing("show backup '" + storage + ":" + volume + "'", () -> {
            RepositoryReader from = reading();
            Snapshot.Tree tree = Optional.ofNullable(snapshot(volume).tree())
                    .orElseThrow(() -> StorageException.refused(
                            StorageError.BAD_PARAMETER,
                            "'" + storage + ":" + volume + "' is no backup of a container"));
            Optional<String> missing = from.missing(tree);
            if (missing.isPresent()) {
                throw new IOException(missing.get() + "; restore an older backup, and verify the repository");
            }
            cleanupVolumeRestore(volume, TREE);
            Path link = working().resolve(TREE + ".tar");
            Files.deleteIfExists(link);
            ShownDisk file = ShownDisk.show(
                    working(),
                    TREE.value(),
                    new TarImage(from.tree(snapshot(volume)).orElseThrow()));
            shown.put(TREE, file);
            // PVE tells by its name what a file is.
            return new ContainerArchive.Tar(Files.createSymbolicLink(link, file.path()));
        });
    }

    @Override
    public void cleanupContainerRestore(VolumeName volume) {
        endRestore();
    }

    @Override
    public void close() {
        try {
            endRestore();
        } finally {
            repository.close();
        }
    }

    private void endRestore() {
        shown.values().forEach(ShownDisk::close);
        shown.clear();
        read.clear();
        doing("end the restore", () -> {
            if (work != null) {
                Objects.requireNonNull(work).close();
                work = null;
            }
            if (reader != null) {
                Objects.requireNonNull(reader).close();
                reader = null;
            }
            return true;
        });
    }
}

package dev.tenon.core.backup.host;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.image.QemuImg;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.ContainerArchive;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Restores an archive, by the calls that PVE makes for it. What fails leaves nothing of the restore behind. */
public final class RestoreRun {
    private static final String ROOT = "rootfs";

    /** Of a disk, less what the umask forbids; as qemu-img makes it. */
    private static final int MODE = 0644;

    private final StorageService service;
    private final RestoreRequest request;
    private final TaskLog log;
    private final CopyProgress progress;
    private final List<Path> made = new ArrayList<>();

    /** From the first byte on that is written over what was there. */
    private boolean isOverwriting;

    /**
     * A restore that has not begun.
     *
     * @param log what the host and the provider say
     * @param progress of the disks, one after the other
     */
    public RestoreRun(StorageService service, RestoreRequest request, TaskLog log, CopyProgress progress) {
        this.service = service;
        this.request = request;
        this.log = log;
        this.progress = progress;
    }

    /**
     * What was restored.
     *
     * @param disks where the disks are; empty for a container
     */
    public record Restored(GuestType type, Map<DeviceName, Path> disks) {}

    /**
     * Restores it.
     *
     * @throws StorageException {@code ALREADY_EXISTS} if the directory is not empty; what the provider throws. {@code
     *     FAILED_CLEAN}: nothing is left of it; {@code UNKNOWN} if something was overwritten
     */
    public Restored run() {
        VolumeName archive = request.archive().volume();
        try (BackupProvider provider =
                service.newBackupProvider(request.archive().storage(), log)) {
            GuestType type = provider.restoreMechanism(archive).guest();
            prepareDirectory();
            return switch (type) {
                case QEMU -> new Restored(type, vm(provider, archive));
                case LXC -> {
                    container(provider, archive);
                    yield new Restored(type, Map.of());
                }
            };
        } catch (IOException e) {
            throw undone(Failures.of(
                    e,
                    outcome(),
                    "unable to restore " + Quoted.of(request.archive().toString())));
        } catch (StorageException e) {
            // What a provider leaves clean is not what was overwritten before.
            throw undone(
                    isOverwriting && e.outcome() != Outcome.UNKNOWN
                            ? new StorageException(e.error(), Outcome.UNKNOWN, String.valueOf(e.getMessage()), e)
                            : e);
        } catch (RuntimeException e) {
            throw undone(e);
        }
    }

    private Outcome outcome() {
        return isOverwriting ? Outcome.UNKNOWN : Outcome.FAILED_CLEAN;
    }

    private RuntimeException undone(RuntimeException why) {
        Uninterrupted.run(() -> {
            for (Path path : made.reversed()) {
                try {
                    WorkDirectory.remove(path);
                } catch (IOException e) {
                    log.log(TaskLog.Level.WARN, "'" + path + "' is left: " + e.getMessage());
                }
            }
        });
        return why;
    }

    private void prepareDirectory() throws IOException {
        Path directory = request.directory();
        if (Files.isDirectory(directory)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
                if (entries.iterator().hasNext()) {
                    throw StorageException.refused(
                            StorageError.ALREADY_EXISTS,
                            "the directory " + Quoted.of(directory.toString())
                                    + " is not empty; name one that is, or that is yet to be made");
                }
            }
        } else {
            Files.createDirectory(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            made.add(directory);
        }
    }

    private void write(String name, RawConfig config) throws IOException {
        Path file = request.directory().resolve(name);
        Files.write(file, config.bytes(), StandardOpenOption.CREATE_NEW);
        made.add(file);
    }

    // ---- VMs

    private Map<DeviceName, Path> vm(BackupProvider provider, VolumeName archive) throws IOException {
        try {
            Map<DeviceName, ByteSize> sizes = new TreeMap<>(provider.initVmRestore(archive));
            Set<DeviceName> named = new TreeSet<>(request.elsewhere().keySet());
            named.addAll(request.only());
            for (DeviceName device : named) {
                if (!sizes.containsKey(device)) {
                    throw StorageException.refused(
                            StorageError.NOT_FOUND,
                            "the archive has no disk '" + device + "'; it has " + sizes.keySet());
                }
            }
            if (!request.only().isEmpty()) {
                sizes.keySet().retainAll(named);
            }
            RawConfig config = provider.guestConfig(archive);
            if (config.length() == 0) {
                throw new StorageException(
                        StorageError.BAD_RESULT,
                        Outcome.FAILED_CLEAN,
                        "the archive " + Quoted.of(request.archive().toString())
                                + " has no configuration of its guest");
            }
            write("qemu-server.conf", config);
            Optional<RawConfig> firewall = provider.firewallConfig(archive);
            if (firewall.isPresent()) {
                write("qemu-server.fw", firewall.get());
            }
            Map<DeviceName, Path> disks = new LinkedHashMap<>();
            for (Map.Entry<DeviceName, ByteSize> disk : sizes.entrySet()) {
                disks.put(disk.getKey(), disk(provider, archive, disk.getKey(), disk.getValue()));
            }
            return disks;
        } finally {
            cleaned(() -> provider.cleanupVmRestore(archive));
        }
    }

    /** A failure to clean up must not hide another, nor be hidden by an interrupt. */
    private void cleaned(Runnable cleanup) {
        try {
            Uninterrupted.run(cleanup);
        } catch (StorageException e) {
            log.log(TaskLog.Level.WARN, "the provider's cleanup failed: " + e.getMessage());
        }
    }

    private Path disk(BackupProvider provider, VolumeName archive, DeviceName device, ByteSize size)
            throws IOException {
        RestoreRequest.Existing existing = request.elsewhere().get(device);
        Path target = existing == null ? request.directory().resolve(device + ".raw") : existing.path();
        log.log(TaskLog.Level.INFO, "restoring disk '" + device + "' (" + size.shown() + ") to '" + target + "'");
        if (existing == null && copied(provider, archive, device, size, target)) {
            return target;
        }
        Path source = provider.initVolumeRestore(archive, device);
        try {
            check(source, device, size);
            if (existing == null) {
                made.add(target);
            } else {
                isOverwriting = true;
            }
            QemuImg.convert(
                    new QemuImg.Source(source.toAbsolutePath().toString(), Format.Image.RAW, null),
                    new QemuImg.Target(
                            target.toAbsolutePath().toString(),
                            existing == null ? Format.Image.RAW : existing.format(),
                            existing != null,
                            Optional.empty()),
                    size,
                    request.bytesPerSecond(),
                    progress);
            finish(target, existing == null ? Optional.of(size) : Optional.empty());
            return target;
        } finally {
            cleaned(() -> provider.cleanupVolumeRestore(archive, device));
        }
    }

    /** By the provider itself, if it can. */
    private boolean copied(BackupProvider provider, VolumeName archive, DeviceName device, ByteSize size, Path target)
            throws IOException {
        SparseFile.create(target, MODE).close();
        made.add(target);
        boolean isCopied = provider.copyVolume(
                archive,
                device,
                target,
                new BackupLimits(request.bytesPerSecond()),
                done -> progress.copied(done, size.bytes()));
        if (!isCopied) {
            // qemu-img makes it with the rights that it gives.
            Files.delete(target);
            made.remove(target);
        }
        return isCopied;
    }

    /** As PVE checks it before it lets QEMU open it. */
    private void check(Path source, DeviceName device, ByteSize size) throws IOException {
        FileStatus status;
        try {
            status = FileStatus.of(source);
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.BAD_RESULT,
                    Outcome.FAILED_CLEAN,
                    "the provider gives " + Quoted.of(source.toString()) + " for disk '" + device
                            + "', which is no file or block device here: " + Failures.reason(e),
                    e);
        }
        if (!status.isRegularFile() && !status.isBlockDevice()) {
            throw new StorageException(
                    StorageError.BAD_RESULT,
                    Outcome.FAILED_CLEAN,
                    "the provider gives " + Quoted.of(source.toString()) + " for disk '" + device
                            + "', which is neither a file nor a block device");
        }
        try (SparseFile file = SparseFile.open(source)) {
            if (file.size() > size.bytes()) {
                throw new StorageException(
                        StorageError.BAD_RESULT,
                        Outcome.FAILED_CLEAN,
                        "the provider gives " + file.size() + " bytes for disk '" + device + "', which has "
                                + size.bytes());
            }
            // PVE restores such a disk without a word.
            if (file.size() < size.bytes()) {
                log.log(
                        TaskLog.Level.WARN,
                        "the provider gives only " + file.size() + " bytes for disk '" + device + "', which has "
                                + size.bytes() + ": the rest is restored as zeroes; verify the archive");
            }
        }
    }

    /** QEMU knows whole sectors only, so a new file gets its size; and what counts as done must be on the disk. */
    private static void finish(Path target, Optional<ByteSize> size) throws IOException {
        try (SparseFile file = SparseFile.openForWriting(target)) {
            if (size.isPresent()) {
                file.setSize(size.get().bytes());
            }
            file.sync();
        }
    }

    // ---- containers

    private void container(BackupProvider provider, VolumeName archive) throws IOException {
        if (!request.only().isEmpty()) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    Quoted.of(request.archive().toString()) + " is the backup of a container, which has no disks");
        }
        RawConfig config = provider.guestConfig(archive);
        Path root = Files.createDirectory(request.directory().resolve(ROOT));
        made.add(root);
        ContainerArchive given = provider.initContainerRestore(archive);
        try {
            switch (given) {
                case ContainerArchive.Tar tar -> Trees.unpack(tar.file(), root);
                case ContainerArchive.Directory tree -> Trees.copy(tree.root(), root);
            }
        } finally {
            cleaned(() -> provider.cleanupContainerRestore(archive));
        }
        write("pct.conf", config);
        Optional<RawConfig> firewall = provider.firewallConfig(archive);
        if (firewall.isPresent() && firewall.get().length() > 0) {
            write("pct.fw", firewall.get());
        }
    }
}

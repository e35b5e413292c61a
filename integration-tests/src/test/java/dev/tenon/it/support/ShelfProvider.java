package dev.tenon.it.support;

import dev.tenon.core.backup.nbd.Extent;
import dev.tenon.core.backup.nbd.NbdClient;
import dev.tenon.core.backup.nbd.NbdReader;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
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
import dev.tenon.core.spi.backup.DirtyRegions;
import dev.tenon.core.spi.backup.DiskAccess;
import dev.tenon.core.spi.backup.GuestConfigs;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.core.spi.backup.RestoreMechanism;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A backup provider in Java, as short as one can be: every archive is whole, an incremental one begins as a copy of the last. */
final class ShelfProvider implements BackupProvider {
    private static final int BLOCK = 4 << 20;
    private static final Duration HANDSHAKE = Duration.ofSeconds(20);

    private final Shelf shelf;
    private final BackupMechanism ofVms;
    private final TaskLog log;
    private @Nullable String archive;

    ShelfProvider(Shelf shelf, BackupMechanism ofVms, TaskLog log) {
        this.shelf = shelf;
        this.ofVms = ofVms;
        this.log = log;
    }

    @Override
    public String providerName() {
        return "Shelf";
    }

    @Override
    public void initJob(Instant start) {
        shelf.open();
    }

    @Override
    public void cleanupJob() {}

    @Override
    public ArchiveName initBackup(Vmid guest, GuestType type, Instant start) {
        String name = new Shelf.Name(type, guest, start.getEpochSecond()).text();
        if (shelf.isComplete(name)) {
            throw StorageException.refused(StorageError.ALREADY_EXISTS, "there is a backup '" + name + "' already");
        }
        shelf.begin(name);
        archive = name;
        return new ArchiveName(name);
    }

    private String current() {
        if (archive == null) {
            throw StorageException.refused(StorageError.BAD_PARAMETER, "no backup has begun");
        }
        return archive;
    }

    /** The host takes a container's child that was killed for a success. */
    @Override
    public BackupStatistics cleanupBackup(Vmid guest, GuestType type) {
        String name = current();
        if (!shelf.isComplete(name)) {
            throw new StorageException(
                    StorageError.COMMAND_FAILED, Outcome.FAILED_CLEAN, "the backup '" + name + "' is not complete");
        }
        return new BackupStatistics(ByteSize.ofBytes(shelf.size(name)));
    }

    @Override
    public void abortBackup(Vmid guest, @Nullable GuestType type, String error) {
        shelf.open();
        shelf.discard(guest);
    }

    @Override
    public BackupMechanism backupMechanism(Vmid guest, GuestType type) {
        return type == GuestType.LXC ? BackupMechanism.DIRECTORY : ofVms;
    }

    @Override
    public void handleLogFile(Vmid guest, Path file) {
        log.log(
                TaskLog.Level.INFO,
                "the log of guest " + guest + " has " + Shelf.doing("looking at '" + file + "'", () -> Files.size(file))
                        + " bytes");
    }

    @Override
    public Map<DeviceName, BitmapUse> queryIncremental(Vmid guest, Map<DeviceName, ByteSize> disks) {
        Map<DeviceName, BitmapUse> answer = new LinkedHashMap<>();
        disks.forEach((device, size) -> answer.put(
                device,
                base(guest, device).filter(file -> sizeOf(file) == size.bytes()).isPresent()
                        ? BitmapUse.USE
                        : BitmapUse.NEW));
        return answer;
    }

    /** A disk in the newest archive of a guest. */
    private Optional<Path> base(Vmid guest, DeviceName device) {
        return shelf.newest(guest)
                .map(name -> shelf.archive(name.text()).resolve(device + ".raw"))
                .filter(Files::exists);
    }

    private static long sizeOf(Path file) {
        return Shelf.doing("looking at '" + file + "'", () -> Files.size(file));
    }

    // ---- VMs

    @Override
    public void backupVm(Vmid guest, GuestConfigs configs, Map<DeviceName, BackupDisk> disks, BackupLimits limits) {
        Path directory = shelf.unfinished(current());
        writeConfigs(directory, configs);
        disks.forEach((device, disk) -> {
            log.log(
                    TaskLog.Level.INFO,
                    device + ": " + disk.size().shown() + ", bitmap "
                            + disk.bitmap().word());
            Path file = directory.resolve(device + ".raw");
            reading(device, () -> {
                if (disk.bitmap() == BitmapMode.REUSE) {
                    Path base = base(guest, device)
                            .orElseThrow(() -> new IOException("the base has gone that the bitmap is for"));
                    Files.copy(base, file, StandardCopyOption.COPY_ATTRIBUTES);
                }
                try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                    if (out.size() < disk.size().bytes()) {
                        out.write(ByteBuffer.allocate(1), disk.size().bytes() - 1);
                    }
                    switch (disk.access()) {
                        case DiskAccess.Nbd nbd -> read(nbd, disk.bitmap(), out);
                        case DiskAccess.FileHandle(Path source, DirtyRegions regions) -> read(source, regions, out);
                    }
                }
                return file;
            });
        });
        shelf.commit(current());
    }

    private static void writeConfigs(Path directory, GuestConfigs configs) {
        Shelf.doing("writing the configuration", () -> {
            Files.write(directory.resolve("guest.conf"), configs.guest().bytes());
            if (configs.firewall().isPresent()) {
                Files.write(
                        directory.resolve("firewall.conf"),
                        configs.firewall().get().bytes());
            }
            return directory;
        });
    }

    private static <T> T reading(DeviceName device, Shelf.Work<T> work) {
        try {
            return work.run();
        } catch (IOException e) {
            throw new StorageException(
                    Thread.currentThread().isInterrupted() ? StorageError.CANCELLED : StorageError.STREAM_BROKEN,
                    Outcome.FAILED_CLEAN,
                    "the disk " + device + " cannot be read: " + e.getMessage(),
                    e);
        }
    }

    /** What is trimmed can never be read again, so it is only when all is on the disk. */
    private static void read(DiskAccess.Nbd nbd, BitmapMode mode, FileChannel out) throws IOException {
        boolean isPart = mode == BitmapMode.REUSE;
        String context = isPart ? Extent.DIRTY_BITMAP + nbd.bitmap().orElseThrow() : Extent.ALLOCATION;
        try (NbdClient client = NbdClient.connect(nbd.socket(), nbd.export(), context, HANDSHAKE)) {
            List<Extent> read = Collections.synchronizedList(new ArrayList<>());
            new NbdReader(List.of(client), BLOCK, 4)
                    .readChosen(
                            client,
                            extent -> isPart ? extent.has(Extent.DIRTY) : !extent.has(Extent.ZERO),
                            (at, data) -> {
                                read.add(new Extent(at, data.remaining(), 0));
                                write(out, at, data);
                            });
            out.force(true);
            for (Extent done : read) {
                if (client.export().canTrim() && done.length() % BLOCK == 0 && done.offset() % BLOCK == 0) {
                    client.trim(done.offset(), done.length());
                }
            }
        }
    }

    private static void read(Path source, DirtyRegions regions, FileChannel out) throws IOException {
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
        try (FileChannel in = FileChannel.open(source, StandardOpenOption.READ)) {
            for (DirtyRegions.Region region = regions.next(); region != null; region = regions.next()) {
                for (long at = region.offset(), end = at + region.length(); at < end; at += BLOCK) {
                    block.clear().limit((int) Math.min(BLOCK, end - at));
                    while (block.hasRemaining()) {
                        if (in.read(block, at + block.position()) < 0) {
                            throw new IOException("the disk ends at " + (at + block.position()));
                        }
                    }
                    write(out, at, block.flip());
                }
            }
        }
    }

    private static void write(FileChannel out, long offset, ByteBuffer data) throws IOException {
        for (long at = offset; data.hasRemaining(); ) {
            at += out.write(data, at);
        }
    }

    // ---- containers

    @Override
    public void prepareContainer(Vmid guest, ContainerTree tree, BackupLimits limits) {
        current();
    }

    /** In the namespaces of the container, so that owners and access lists are its own. */
    @Override
    public void backupContainer(
            Vmid guest, GuestConfigs configs, List<String> exclude, ContainerTree tree, BackupLimits limits) {
        Path directory = shelf.unfinished(current());
        writeConfigs(directory, configs);
        List<String> command = new ArrayList<>();
        tree.holder()
                .ifPresent(holder -> command.addAll(List.of(
                        "nsenter",
                        "--target",
                        Long.toString(holder),
                        "--user",
                        "--mount",
                        "--setuid=0",
                        "--setgid=0")));
        command.addAll(List.of(
                "tar",
                "--create",
                "--directory=" + tree.directory(),
                "--numeric-owner",
                "--xattrs",
                "--xattrs-include=*",
                "--sparse",
                "--one-file-system",
                "--wildcards",
                "--anchored"));
        exclude.forEach(pattern -> command.addAll(
                pattern.startsWith("/")
                        ? List.of("--exclude=." + pattern)
                        : List.of("--no-anchored", "--exclude=" + pattern, "--anchored")));
        command.addAll(tree.sources());
        Path errors = directory.resolve("tar.log");
        int status = Shelf.doing("reading the container", () -> run(command, directory.resolve("tree.tar"), errors));
        if (status != 0) {
            throw new StorageException(
                    StorageError.COMMAND_FAILED,
                    Outcome.FAILED_CLEAN,
                    "tar ended with status " + status + ": "
                            + Shelf.doing("reading its errors", () -> Files.readString(errors))
                                    .strip());
        }
        Shelf.doing("removing '" + errors + "'", () -> Files.deleteIfExists(errors));
        shelf.commit(current());
    }

    private static int run(List<String> command, Path output, Path errors) throws IOException {
        Process process = new ProcessBuilder(command)
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile())
                .start();
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new StorageException(
                    StorageError.CANCELLED, Outcome.FAILED_CLEAN, "reading the container was interrupted", e);
        }
    }

    // ---- archives

    private Path file(VolumeName volume, String name) {
        return shelf.archive(ArchiveName.of(volume).value()).resolve(name);
    }

    private static StorageException absent(VolumeName volume) {
        return StorageException.refused(StorageError.NOT_FOUND, "there is no backup '" + volume + "'");
    }

    @Override
    public RestoreMechanism restoreMechanism(VolumeName volume) {
        return Shelf.Name.of(ArchiveName.of(volume).value()).type() == GuestType.QEMU
                ? RestoreMechanism.QEMU_IMG
                : RestoreMechanism.TAR;
    }

    @Override
    public RawConfig guestConfig(VolumeName volume) {
        return config(volume, "guest.conf").orElseThrow(() -> absent(volume));
    }

    @Override
    public Optional<RawConfig> firewallConfig(VolumeName volume) {
        return config(volume, "firewall.conf");
    }

    private Optional<RawConfig> config(VolumeName volume, String name) {
        Path file = file(volume, name);
        return Files.exists(file)
                ? Optional.of(RawConfig.of(Shelf.doing("reading '" + file + "'", () -> Files.readAllBytes(file))))
                : Optional.empty();
    }

    @Override
    public Map<DeviceName, ByteSize> initVmRestore(VolumeName volume) {
        if (!shelf.isComplete(ArchiveName.of(volume).value())) {
            throw absent(volume);
        }
        Map<DeviceName, ByteSize> disks = new LinkedHashMap<>();
        Shelf.doing("looking at '" + volume + "'", () -> {
            try (var files = Files.newDirectoryStream(file(volume, ""), "*.raw")) {
                for (Path file : files) {
                    String device = String.valueOf(file.getFileName()).replaceFirst("\\.raw$", "");
                    disks.put(new DeviceName(device), ByteSize.ofBytes(Files.size(file)));
                }
            }
            return volume;
        });
        return disks;
    }

    @Override
    public void cleanupVmRestore(VolumeName volume) {}

    @Override
    public Path initVolumeRestore(VolumeName volume, DeviceName device) {
        Path file = file(volume, device + ".raw");
        if (!Files.exists(file)) {
            throw StorageException.refused(
                    StorageError.NOT_FOUND, "the backup '" + volume + "' has no disk '" + device + "'");
        }
        return file;
    }

    @Override
    public void cleanupVolumeRestore(VolumeName volume, DeviceName device) {}

    @Override
    public ContainerArchive initContainerRestore(VolumeName volume) {
        return new ContainerArchive.Tar(file(volume, "tree.tar"));
    }

    @Override
    public void cleanupContainerRestore(VolumeName volume) {}
}

package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.host.BackupRequest;
import dev.tenon.core.backup.host.BackupRun;
import dev.tenon.core.backup.host.ContainerRequest;
import dev.tenon.core.backup.host.DiskOpener;
import dev.tenon.core.backup.host.LiveDisks;
import dev.tenon.core.backup.host.MadeBackup;
import dev.tenon.core.backup.host.OfflineDisks;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestConfigs;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes a backup. */
@Command(
        name = "create",
        mixinStandardHelpOptions = true,
        description =
                "Backs up the disks of a VM, or the files of a container, and prints the archive's volume id. A VM"
                        + " that runs is named by its QMP socket (--qmp); its disks are then names of QEMU's block nodes. A qcow2"
                        + " image, and a VM that runs, keep a bitmap, so that the next backup reads only what changed.",
        footer = {
            "",
            "Example: tenon backup create --storage vault --vmid 100 --disk /srv/vm.qcow2 --guest-config vm.conf",
            "Example: tenon backup create --storage vault --vmid 100 --qmp /run/vm.qmp --fleecing /var/tmp --disk"
                    + " drive-scsi0=disk0 --guest-config vm.conf",
            "Example: tenon backup create --storage vault --vmid 200 --container /srv/ct/rootfs --guest-config ct.conf"
        })
final class CreateCommand extends HostCommand {
    private static final Duration LOCK_LIMIT = Duration.ofSeconds(10);
    private static final long KIB = 1024;

    @Spec
    private CommandSpec command = CommandSpec.create();

    @Option(
            names = "--storage",
            required = true,
            paramLabel = "NAME",
            description = "the storage that keeps the backup")
    @SuppressWarnings("NullAway.Init")
    private StorageId storage;

    @Option(names = "--vmid", required = true, paramLabel = "N", description = "the guest's number")
    @SuppressWarnings("NullAway.Init")
    private Vmid guest;

    @Option(
            names = "--disk",
            paramLabel = "[DEVICE=]WHERE",
            description =
                    "a disk of the VM: a file (*.qcow2 is qcow2, any other is raw), a block device, or a volume id;"
                            + " with --qmp a block node. May be repeated. Devices without a name are drive-scsi0, drive-scsi1, ...")
    private List<String> disks = new ArrayList<>();

    @Option(names = "--container", paramLabel = "DIR", description = "the root of the container's files")
    private @Nullable Path container;

    @Option(
            names = "--exclude",
            paramLabel = "PATTERN",
            description = "what of a container is left out; /PATTERN begins at its root. May be repeated")
    private List<String> exclude = new ArrayList<>();

    @Option(
            names = "--guest-config",
            required = true,
            paramLabel = "FILE",
            description = "the guest's configuration, which is kept to the byte")
    private Path guestConfig = Path.of("");

    @Option(names = "--firewall-config", paramLabel = "FILE", description = "that of its firewall")
    private @Nullable Path firewallConfig;

    @Option(names = "--qmp", paramLabel = "SOCKET", description = "the QMP socket of the QEMU that runs the VM")
    private @Nullable Path qmp;

    @Option(
            names = "--fleecing",
            paramLabel = "DIR",
            description = "with --qmp: a directory with room for what the VM overwrites during the backup")
    private @Nullable Path fleecing;

    @Option(names = "--bwlimit", paramLabel = "KIB", description = "KiB a second that may be read, at most")
    private @Nullable Long limit;

    @Option(names = "--notes", paramLabel = "TEXT", description = "is noted about the archive")
    private @Nullable String notes;

    @Option(names = "--protected", description = "protect the archive from removal")
    private boolean isProtected;

    @Option(
            names = "--keep",
            paramLabel = "RULE=COUNT",
            split = ",",
            description = "which backups of the guest to keep, as of 'tenon storage prune' (default: all)")
    private Map<String, Long> keep = new LinkedHashMap<>();

    @Option(names = "--quiet", description = "say only what is wrong")
    private boolean quiet;

    @Mixin
    private RunDirectory runDirectory = new RunDirectory();

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        refuse(wrong());
        Map<DeviceName, String> named;
        try {
            named = GivenDisks.byDevice(disks);
        } catch (IllegalArgumentException e) {
            throw wrongUsage(e);
        }
        BackupRequest request = new BackupRequest(
                storage,
                guest,
                new GuestConfigs(
                        config(guestConfig),
                        firewallConfig == null ? Optional.empty() : Optional.of(config(firewallConfig))),
                limit == null || limit == 0 ? BackupLimits.NONE : new BackupLimits(OptionalLong.of(limit * KIB)),
                notes,
                isProtected,
                keep.isEmpty() ? null : new Retention(keep));
        MadeBackup made = host.locks().guest(guest).hold(LOCK_LIMIT, () -> make(host, request, named));
        tell(made);
    }

    private Optional<String> wrong() {
        if ((container == null) == disks.isEmpty()) {
            return Optional.of("say what to back up: either --disk, for each disk of a VM, or --container");
        }
        if (container != null && (qmp != null || fleecing != null)) {
            return Optional.of("--qmp and --fleecing are for VMs, and --container backs up a container");
        }
        if ((qmp == null) != (fleecing == null)) {
            return Optional.of("--qmp and --fleecing go together: what a VM overwrites while it is read needs room");
        }
        if (!exclude.isEmpty() && container == null) {
            return Optional.of("--exclude is for containers; a VM's disks are backed up whole");
        }
        return limit == null || (limit >= 0 && limit <= Long.MAX_VALUE / KIB)
                ? Optional.empty()
                : Optional.of("--bwlimit " + limit + " is no number of KiB a second, 0 or more");
    }

    private RawConfig config(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw wrongUsage("there is no configuration file '" + file + "'");
        }
        return RawConfig.of(Files.readAllBytes(file));
    }

    private MadeBackup make(Host host, BackupRequest request, Map<DeviceName, String> named) {
        try {
            BackupRun run = new BackupRun(host.of(storage), request, runDirectory.path(), new ToldLog(err(), quiet));
            return container == null
                    ? run.ofVm(disks(host, named))
                    : run.ofContainer(new ContainerRequest(container.toAbsolutePath(), exclude));
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.BAD_PARAMETER, Outcome.NOT_STARTED, String.valueOf(e.getMessage()), e);
        }
    }

    private DiskOpener disks(Host host, Map<DeviceName, String> named) throws IOException {
        if (qmp != null && fleecing != null) {
            Path monitor = qmp.toAbsolutePath();
            Path room = fleecing;
            return (work, target) -> LiveDisks.open(work, monitor, target, room, named);
        }
        try {
            Map<DeviceName, OfflineDisks.Image> images = GivenDisks.images(host, Surroundings.of(command)::path, named);
            return (work, target) -> OfflineDisks.open(work, target, images);
        } catch (IllegalArgumentException e) {
            throw wrongUsage(e);
        }
    }

    private void tell(MadeBackup made) throws IOException {
        if (json.isGiven()) {
            Map<String, String> bitmaps = new LinkedHashMap<>();
            made.disks().forEach((device, mode) -> bitmaps.put(device.value(), mode.word()));
            Json.print(
                    out(), Json.object("volid", made.volume(), "archive-size", made.archiveSize(), "disks", bitmaps));
        } else {
            out().println(made.volume());
        }
        if (out().checkError()) {
            throw unheard("the backup is made and is '" + made.volume() + "', but standard output cannot be written");
        }
    }
}

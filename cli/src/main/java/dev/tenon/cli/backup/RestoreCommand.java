package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Progress;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.host.BandwidthOption;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.host.RestoreRequest;
import dev.tenon.core.backup.host.RestoreRun;
import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.service.BandwidthUse;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Restores a backup. */
@Command(
        name = "restore",
        mixinStandardHelpOptions = true,
        description =
                "Restores a backup into a directory that is empty or yet to be made: each disk of a VM as a raw file"
                        + " that is named after its device, the files of a container in rootfs, the configurations beside. Disks"
                        + " may go over images, block devices and volumes that are there instead (--disk).",
        footer = {
            "",
            "Example: tenon backup restore vault:backup/vm/100/2026-01-02T03:04:05Z /srv/restored",
            "Example: tenon backup restore vault:backup/vm/100/2026-01-02T03:04:05Z /srv/restored --disk"
                    + " drive-scsi0=/dev/vg/disk",
            "Example: tenon backup restore vault:backup/vm/100/2026-01-02T03:04:05Z /srv/restored --only drive-scsi1"
        })
final class RestoreCommand extends HostCommand {
    @Spec
    private CommandSpec command = CommandSpec.create();

    @Parameters(index = "0", paramLabel = "VOLID", description = "the backup")
    @SuppressWarnings("NullAway.Init")
    private VolumeId archive;

    @Parameters(index = "1", paramLabel = "DIR", description = "takes what has no other place")
    private Path directory = Path.of("");

    @Option(
            names = "--disk",
            paramLabel = "DEVICE=WHERE",
            description =
                    "a disk goes over this file (*.qcow2 is qcow2, any other is raw), block device or volume. May be"
                            + " repeated")
    private List<String> disks = new ArrayList<>();

    @Option(
            names = "--only",
            paramLabel = "DEVICE",
            description = "restore only this disk of a VM, and those of --disk (default: all). May be repeated")
    private Set<DeviceName> only = new LinkedHashSet<>();

    @Mixin
    private BandwidthOption bandwidth = new BandwidthOption();

    @Option(names = "--quiet", description = "show no progress, and say only what is wrong")
    private boolean quiet;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        refuse(bandwidth.wrong());
        StorageService service = host.of(archive.storage());
        RestoreRun.Restored restored;
        try (Progress progress = new Progress(err(), Terminal.ofErrors(), "restoring " + archive)) {
            CopyProgress shown = quiet ? CopyProgress.NONE : progress::reached;
            restored = new RestoreRun(
                            service,
                            new RestoreRequest(
                                    archive,
                                    directory.toAbsolutePath(),
                                    elsewhere(host),
                                    only,
                                    bandwidth.limit(host, service, BandwidthUse.RESTORE, List.of(archive.storage()))),
                            new ToldLog(err(), quiet),
                            shown)
                    .run();
        }
        tell(restored);
    }

    private Map<DeviceName, RestoreRequest.Existing> elsewhere(Host host) throws IOException {
        for (String disk : disks) {
            if (!disk.matches("[A-Za-z0-9][A-Za-z0-9_.-]*=.+")) {
                throw wrongUsage("--disk '" + disk + "' is not DEVICE=WHERE, for instance drive-scsi0=/dev/vg/disk");
            }
        }
        try {
            return GivenDisks.targets(host, Surroundings.of(command)::path, GivenDisks.byDevice(disks));
        } catch (IllegalArgumentException e) {
            throw wrongUsage(e);
        }
    }

    private void tell(RestoreRun.Restored restored) throws IOException {
        if (json.isGiven()) {
            Map<String, String> places = new LinkedHashMap<>();
            restored.disks().forEach((device, path) -> places.put(device.value(), path.toString()));
            Json.print(
                    out(),
                    Json.object(
                            "type", restored.type().word(), "directory", directory.toAbsolutePath(), "disks", places));
        } else {
            out().println(directory);
        }
    }
}

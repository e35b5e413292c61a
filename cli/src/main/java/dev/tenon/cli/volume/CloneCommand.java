package dev.tenon.cli.volume;

import dev.tenon.cli.console.Progress;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.host.BandwidthOption;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.NewVolume;
import dev.tenon.core.service.BandwidthUse;
import dev.tenon.core.service.CopyTarget;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Clones and copies. */
@Command(
        name = "clone",
        mixinStandardHelpOptions = true,
        description =
                "Makes a linked clone of a base image, or with --full a copy of any image, and prints its volume id. A copy"
                        + " is never half there: if it fails or is cancelled, nothing of it is left.",
        footer = {
            "",
            "Example: tenon volume clone fast:100/vm-100-disk-0.raw --vmid 101 --full --storage big --format qcow2"
        })
final class CloneCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Option(names = "--vmid", paramLabel = "N", required = true, description = "the guest that gets it")
    @SuppressWarnings("NullAway.Init")
    private Vmid vmid;

    @Option(
            names = "--snapshot",
            paramLabel = "NAME",
            description = "clone this snapshot (default: the volume as it is now)")
    private @Nullable SnapshotName snapshot;

    @Option(names = "--full", description = "copy the image; nothing may write to it meanwhile")
    private boolean full;

    @Option(
            names = "--storage",
            paramLabel = "STORAGE",
            description = "where a copy goes (default: the storage of the volume)")
    private @Nullable StorageId target;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "raw, qcow2 or vmdk (default: that of the volume, if the storage takes it)")
    private Format.@Nullable Image format;

    @Option(names = "--name", paramLabel = "NAME", description = "the name of a copy (default: the next free one)")
    private @Nullable String name;

    @Mixin
    private BandwidthOption bandwidth = new BandwidthOption();

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        if (bandwidth.wrong().isPresent()) {
            throw wrongUsage(bandwidth.wrong().get());
        }
        refuse(NewVolume.wrong(vmid, name));
        if (full) {
            tellMade(copy(host), json);
            return;
        }
        if (target != null || format != null || name != null) {
            throw wrongUsage("--storage, --format and --name are for copies; add --full");
        }
        tellMade(host.of(volume.storage()).cloneImage(volume, vmid, snapshot), json);
    }

    private VolumeId copy(Host host) throws IOException {
        StorageId storage = target == null ? volume.storage() : target;
        StorageService service = host.of(volume.storage(), storage);
        try (Progress progress = new Progress(err(), Terminal.ofErrors(), "copying " + volume)) {
            return service.copyImage(
                    volume,
                    snapshot,
                    new CopyTarget(storage, vmid, format, name),
                    bandwidth.limit(host, service, BandwidthUse.CLONE, List.of(volume.storage(), storage)),
                    progress::reached);
        }
    }
}

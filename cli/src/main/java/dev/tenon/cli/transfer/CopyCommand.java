package dev.tenon.cli.transfer;

import dev.tenon.cli.console.Progress;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.host.BandwidthOption;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.NewVolume;
import dev.tenon.core.service.BandwidthUse;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Copies from storage to storage. */
@Command(
        name = "copy",
        mixinStandardHelpOptions = true,
        description = "Copies a volume of any kind to the given name, on the same or on another storage, and prints"
                + " its volume id. Nothing may write to the volume meanwhile. A copy is never half there: if it fails or is"
                + " cancelled, nothing of it is left.",
        footer = {"", "Example: tenon copy nas:iso/debian.iso fast:iso/debian.iso"})
public final class CopyCommand extends HostCommand {
    @Parameters(index = "0", paramLabel = "VOLID", description = "the volume, for instance nas:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Parameters(index = "1", paramLabel = "VOLID", description = "the copy, for instance fast:101/vm-101-disk-0.qcow2")
    @SuppressWarnings("NullAway.Init")
    private VolumeId copy;

    @Mixin
    private TransferOptions transfer = new TransferOptions();

    @Mixin
    private BandwidthOption bandwidth = new BandwidthOption();

    @Option(names = "--quiet", description = "show no progress")
    private boolean quiet;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        if (bandwidth.wrong().isPresent()) {
            throw wrongUsage(bandwidth.wrong().get());
        }
        refuse(NewVolume.wrong(copy.volume()));
        StorageService service = host.of(volume.storage(), copy.storage());
        VolumeId made;
        try (Progress progress = new Progress(err(), Terminal.ofErrors(), "copying " + volume)) {
            StreamSettings settings = StreamSettings.USUAL
                    .named("the copy of volume '" + volume + "'")
                    .withLimit(bandwidth.limit(
                            host, service, BandwidthUse.MOVE, List.of(volume.storage(), copy.storage())));
            made = service.copyVolume(
                    volume, copy, transfer.transfer(), quiet ? settings : settings.withProgress(progress::reached));
        }
        tellMade(made, json);
    }
}

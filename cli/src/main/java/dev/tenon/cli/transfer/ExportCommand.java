package dev.tenon.cli.transfer;

import dev.tenon.cli.console.Progress;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.core.stream.Transferred;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lets a volume leave. */
@Command(
        name = "export",
        mixinStandardHelpOptions = true,
        description =
                "Writes a volume to a file or to standard output, as a stream that `tenon import` and `pvesm import`"
                        + " read. Nothing may write to the volume meanwhile.",
        footer = {
            "",
            "Example: tenon export nas:100/vm-100-disk-0.raw - | ssh other tenon import fast:100/vm-100-disk-0.raw -"
        })
public final class ExportCommand extends HostCommand {
    @Parameters(index = "0", paramLabel = "VOLID", description = "the volume, for instance nas:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "FILE",
            defaultValue = "-",
            description = "a new file, a block device, or - for standard output (default)")
    private String file = "-";

    @Mixin
    private StreamOptions stream = new StreamOptions();

    @Option(names = "--force", description = "overwrite an existing file or block device")
    private boolean force;

    @Override
    protected void run(Host host) throws IOException {
        if (stream.wrong().isPresent()) {
            throw wrongUsage(stream.wrong().get());
        }
        if (!file.equals("-")) {
            try (ExportFile target = ExportFile.open(Path.of(file), force)) {
                export(host, target.descriptor(), target);
            }
        } else if (streams().isOutputTerminal()) {
            throw wrongUsage("would write an image to the terminal; name a file or pipe it");
        } else {
            export(host, streams().takeOutput(), null);
        }
    }

    private void export(Host host, Descriptor descriptor, @Nullable ExportFile target) throws IOException {
        Transferred transferred;
        try (descriptor;
                Progress progress = new Progress(err(), Terminal.ofErrors(), "exporting " + volume)) {
            transferred = exported(host, descriptor, target, progress);
        }
        stream.tell(err(), transferred);
    }

    private Transferred exported(Host host, Descriptor descriptor, @Nullable ExportFile target, Progress progress)
            throws IOException {
        StorageService service = host.of(volume.storage());
        StreamSettings settings =
                stream.settings(host, service, volume.storage(), "the export of volume '" + volume + "'", progress);
        try (DescriptorExport export = new DescriptorExport(descriptor, settings)) {
            try {
                service.exportVolume(volume, stream.format(), stream.transfer().transfer(), export);
            } catch (StorageException e) {
                throw target == null ? e : target.failed(e, export.transferred().bytes());
            }
            if (target != null) {
                target.finish();
            }
            return export.transferred();
        }
    }
}

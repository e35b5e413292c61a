package dev.tenon.cli.transfer;

import dev.tenon.cli.console.Progress;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.NewVolume;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.core.stream.Transferred;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lets a volume arrive. */
@Command(
        name = "import",
        mixinStandardHelpOptions = true,
        description = "Creates a volume from a stream that `tenon export` or `pvesm export` wrote, read from a file or"
                + " from standard input. The last line of standard output has its volume id. A volume is never half there: if the"
                + " import fails or is cancelled, nothing of it is left.",
        footer = {
            "",
            "Example: ssh other tenon export nas:100/vm-100-disk-0.raw - | tenon import fast:100/vm-100-disk-0.raw -"
        })
public final class ImportCommand extends HostCommand {
    @Parameters(
            index = "0",
            paramLabel = "VOLID",
            description = "the new volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "FILE",
            defaultValue = "-",
            description = "a file, a block device, or - for standard input (default)")
    private String file = "-";

    @Mixin
    private StreamOptions stream = new StreamOptions();

    @Option(names = "--allow-rename", description = "take the next free name if there is a volume of this one")
    private boolean allowRename;

    @Option(
            names = "--delete-snapshot",
            paramLabel = "NAME",
            description = "delete this snapshot, which came with the volume, from the new volume")
    private @Nullable SnapshotName deleteSnapshot;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        if (stream.wrong().isPresent()) {
            throw wrongUsage(stream.wrong().get());
        }
        refuse(NewVolume.wrong(volume.volume()));
        VolumeId imported = imported(host, source());
        if (deleteSnapshot != null) {
            deleteSnapshot(host, imported, deleteSnapshot);
        }
        tellMade(imported, json, "successfully imported '" + imported + "'");
    }

    private Descriptor source() throws IOException {
        if (file.equals("-")) {
            if (streams().isInputTerminal()) {
                throw wrongUsage("would read an image from the terminal; name a file or pipe it");
            }
            return streams().takeInput();
        }
        Path path = Path.of(file);
        if (Files.isDirectory(path)) {
            throw new IllegalArgumentException("'" + file + "' is a directory; name a file");
        }
        try {
            return Descriptor.openForReading(path);
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException("there is no file '" + file + "'", e);
        }
    }

    private VolumeId imported(Host host, Descriptor source) throws IOException {
        VolumeId imported;
        Transferred transferred;
        try (source;
                Progress progress = new Progress(err(), Terminal.ofErrors(), "importing " + volume)) {
            StorageService service = host.of(volume.storage());
            StreamSettings settings =
                    stream.settings(host, service, volume.storage(), "the import of volume '" + volume + "'", progress);
            try (DescriptorImport incoming = new DescriptorImport(source, settings)) {
                imported = service.importVolume(
                        volume, stream.format(), stream.transfer().transfer(), allowRename, incoming);
                transferred = incoming.transferred();
            } catch (StorageException e) {
                throw withHint(e);
            }
        }
        stream.tell(err(), transferred);
        return imported;
    }

    /** Which streams fit depends on whether the snapshots are to come too. */
    private RuntimeException withHint(StorageException e) {
        return e.error() == StorageError.NOT_SUPPORTED
                        && !stream.transfer().transfer().withSnapshots()
                ? new StorageException(
                        e.error(),
                        e.outcome(),
                        e.getMessage() + "; if the stream has the volume's snapshots, add --with-snapshots",
                        e)
                : e;
    }

    private static void deleteSnapshot(Host host, VolumeId imported, SnapshotName snapshot) throws IOException {
        try {
            host.of(imported.storage()).deleteSnapshot(imported, snapshot, false);
        } catch (StorageException e) {
            throw new StorageException(
                    e.error(),
                    Outcome.UNKNOWN,
                    "volume '" + imported + "' is imported, but its snapshot '" + snapshot + "' is not deleted: "
                            + e.getMessage(),
                    e);
        }
    }
}

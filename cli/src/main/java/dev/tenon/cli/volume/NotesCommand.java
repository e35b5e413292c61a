package dev.tenon.cli.volume;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is noted about a backup. */
@Command(
        name = "notes",
        mixinStandardHelpOptions = true,
        description = "Prints the notes of a backup, or changes them.",
        footer = {
            "",
            "Example: tenon volume notes archive:backup/vzdump-qemu-100-2026_01_02-03_04_05.vma.zst --set 'before the upgrade'"
        })
final class NotesCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Option(names = "--set", paramLabel = "TEXT", description = "the new notes; empty to delete them")
    private @Nullable String text;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean isReading() {
        return text == null;
    }

    @Override
    protected void run(Host host) throws IOException {
        StorageService service = host.of(volume.storage());
        service.activateStorage(volume.storage());
        if (json.isGiven()) {
            if (text != null) {
                service.updateAttribute(volume, VolumeAttribute.NOTES, text);
            }
            Json.print(out(), Json.object("volid", volume, "notes", service.attribute(volume, VolumeAttribute.NOTES)));
        } else if (text == null) {
            service.attribute(volume, VolumeAttribute.NOTES)
                    .filter(notes -> !notes.isEmpty())
                    .ifPresent(notes -> out().println(notes.stripTrailing()));
        } else {
            service.updateAttribute(volume, VolumeAttribute.NOTES, text);
        }
    }
}

package dev.tenon.cli.volume;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.ListingCommand;
import dev.tenon.cli.host.Shown;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.VolumeInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Which volumes there are. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description = "Lists the volumes of a storage, or of all that are enabled. Those that fail are told on standard"
                + " error, and the exit status is 1 then.",
        footer = {"", "Example: tenon volume list fast --vmid 100 --content images"})
final class ListCommand extends ListingCommand {
    @Option(
            names = "--content",
            paramLabel = "TYPE",
            split = ",",
            description = "only these: images, rootdir, iso, vztmpl, backup, snippets, import")
    private List<ContentType> content = new ArrayList<>();

    @Option(names = "--names", description = "print only the volume ids, one per line")
    private boolean names;

    @Override
    protected Set<ContentType> content() {
        return Set.copyOf(content);
    }

    @Override
    protected void print(List<ListedVolume> volumes) {
        if (names) {
            volumes.forEach(volume -> out().println(volume.volume().volid()));
            return;
        }
        Table table = new Table()
                .text("VOLUME")
                .text("CONTENT")
                .text("FORMAT")
                .number("SIZE")
                .number("USED")
                .number("GUEST")
                .text("NOTES");
        for (ListedVolume listed : volumes) {
            VolumeInfo volume = listed.volume();
            table.row(
                    volume.volid().toString(),
                    listed.content().word(),
                    volume.format().word(),
                    Shown.size(volume.size()),
                    Shown.size(volume.used()),
                    Shown.text(volume.owner()),
                    listed.notes());
        }
        table.print(out(), terminal());
    }

    @Override
    protected Map<String, @Nullable Object> json(ListedVolume listed) {
        VolumeInfo volume = listed.volume();
        return Json.object(
                "volid", volume.volid(),
                "storage", volume.volid().storage(),
                "content", listed.content().word(),
                "format", volume.format().word(),
                "size", volume.size(),
                "used", volume.used(),
                "vmid", volume.owner() == null ? null : volume.owner().value(),
                "parent", volume.parent(),
                "ctime", volume.ctime(),
                "subtype", listed.subtype(),
                "notes", listed.notes(),
                "protected", listed.isProtected());
    }
}

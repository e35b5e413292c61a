package dev.tenon.cli.backup;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.ListingCommand;
import dev.tenon.cli.host.Shown;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.VolumeInfo;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/** Which backups there are. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description =
                "Lists the backups on a storage, or on all that are enabled. Storages that fail are told on standard"
                        + " error, and the exit status is 1 then.",
        footer = {"", "Example: tenon backup list vault --vmid 100"})
final class ListCommand extends ListingCommand {
    @Override
    protected Set<ContentType> content() {
        return Set.of(ContentType.BACKUP);
    }

    @Override
    protected void print(List<ListedVolume> volumes) {
        Table table = new Table()
                .text("VOLUME")
                .number("GUEST")
                .text("TYPE")
                .text("CREATED")
                .number("SIZE")
                .text("PROTECTED")
                .text("NOTES");
        for (ListedVolume listed : volumes) {
            VolumeInfo volume = listed.volume();
            table.row(
                    volume.volid().toString(),
                    Shown.text(volume.owner()),
                    listed.subtype(),
                    Shown.time(volume.ctime()),
                    Shown.size(volume.size()),
                    listed.isProtected() ? "yes" : null,
                    listed.notes());
        }
        table.print(out(), terminal());
    }

    @Override
    protected Map<String, @Nullable Object> json(ListedVolume listed) {
        VolumeInfo volume = listed.volume();
        return Json.object(
                "volid", volume.volid(),
                "vmid", volume.owner() == null ? null : volume.owner().value(),
                "type", listed.subtype(),
                "ctime", volume.ctime(),
                "size", volume.size(),
                "format", volume.format().word(),
                "protected", listed.isProtected(),
                "encrypted", volume.other().get("encrypted"),
                "notes", listed.notes());
    }
}

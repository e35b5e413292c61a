package dev.tenon.cli.volume;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.LimitOption;
import dev.tenon.cli.host.Shown;
import dev.tenon.core.service.Answer;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which volumes there are. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description = "Lists the volumes of a storage, or of all that are enabled. Those that fail are told on standard"
                + " error, and the exit status is 1 then.",
        footer = {"", "Example: tenon volume list fast --vmid 100 --content images"})
final class ListCommand extends HostCommand {
    @Parameters(paramLabel = "STORAGE", arity = "0..1", description = "only this storage")
    private @Nullable StorageId only;

    @Option(names = "--vmid", paramLabel = "N", description = "only the volumes of this guest")
    private @Nullable Vmid vmid;

    @Option(
            names = "--content",
            paramLabel = "TYPE",
            split = ",",
            description = "only these: images, rootdir, iso, vztmpl, backup, snippets, import")
    private List<ContentType> content = new ArrayList<>();

    @Option(names = "--names", description = "print only the volume ids, one per line")
    private boolean names;

    @Mixin
    private LimitOption limit = new LimitOption();

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Host host) throws IOException {
        if (limit.wrong().isPresent()) {
            throw wrongUsage(limit.wrong().get());
        }
        Set<ContentType> wanted = EnumSet.noneOf(ContentType.class);
        wanted.addAll(content);
        StorageService service = only == null ? host.all() : host.of(only);
        List<StorageId> asked = only == null
                ? host.configuration().current().all().stream()
                        .map(Storage::id)
                        .filter(id -> isListed(service, id))
                        .toList()
                : List.of(only);
        List<ListedVolume> volumes = new ArrayList<>();
        List<StorageId> failed = new ArrayList<>();
        for (Answer<List<ListedVolume>> answer :
                service.listVolumes(asked, vmid, wanted, limit.of(StorageService.LIST_LIMIT))) {
            switch (answer) {
                case Answer.Given<List<ListedVolume>>(StorageId ignored, List<ListedVolume> listed) ->
                    volumes.addAll(listed);
                case Answer.Refused<List<ListedVolume>>(StorageId id, StorageException reason) -> {
                    if (only != null) {
                        throw reason;
                    }
                    failed.add(id);
                    err().println("tenon: storage '" + id + "' cannot be listed: " + reason.getMessage());
                }
            }
        }
        print(volumes);
        if (only == null) {
            host.problems().forEach(problem -> err().println("tenon: " + problem));
        }
        if (!failed.isEmpty()) {
            throw new IOException("the list lacks the volumes of "
                    + String.join(", ", failed.stream().map(StorageId::value).toList()));
        }
    }

    /** One that nobody answers for is told when it is asked. */
    private static boolean isListed(StorageService service, StorageId id) {
        try {
            return service.isEnabled(id);
        } catch (StorageException e) {
            return true;
        }
    }

    private void print(List<ListedVolume> volumes) throws IOException {
        if (names) {
            volumes.forEach(volume -> out().println(volume.volume().volid()));
        } else if (json.isGiven()) {
            Json.print(out(), volumes.stream().map(ListCommand::json).toList());
        } else {
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
        out().flush();
    }

    private static Map<String, @Nullable Object> json(ListedVolume listed) {
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

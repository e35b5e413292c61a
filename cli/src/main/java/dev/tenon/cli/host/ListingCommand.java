package dev.tenon.cli.host;

import dev.tenon.cli.console.Json;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A command that lists volumes of one storage, or of all that are enabled. */
public abstract class ListingCommand extends HostCommand {
    @Parameters(paramLabel = "STORAGE", arity = "0..1", description = "only this storage")
    private @Nullable StorageId only;

    @Option(names = "--vmid", paramLabel = "N", description = "only those of this guest")
    private @Nullable Vmid vmid;

    @Mixin
    private LimitOption limit = new LimitOption();

    @Mixin
    private JsonOption json = new JsonOption();

    /** What is listed, empty for all. */
    protected abstract Set<ContentType> content();

    /** A volume as JSON. */
    protected abstract Map<String, @Nullable Object> json(ListedVolume volume);

    /** Prints the volumes for people. */
    protected abstract void print(List<ListedVolume> volumes);

    @Override
    protected final boolean isReading() {
        return true;
    }

    @Override
    protected final void run(Host host) throws IOException {
        refuse(limit.wrong());
        Listing listing = Listing.of(host, only, vmid, content(), limit.of(StorageService.LIST_LIMIT), err());
        if (json.isGiven()) {
            Json.print(out(), listing.volumes().stream().map(this::json).toList());
        } else {
            print(listing.volumes());
        }
        out().flush();
        listing.refuseIncomplete();
    }
}

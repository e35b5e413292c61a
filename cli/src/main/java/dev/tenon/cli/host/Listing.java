package dev.tenon.cli.host;

import dev.tenon.core.service.Answer;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.host.Host;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The volumes of one storage, or of all that are enabled.
 *
 * @param failed the storages that did not answer, each of which was told
 */
record Listing(List<ListedVolume> volumes, List<StorageId> failed) {
    /**
     * Asks for them.
     *
     * @param only the one storage, whose failure is thrown; null for all
     * @param vmid only the volumes of this guest, null for all
     * @param content only these, empty for all
     * @param err gets what went wrong, if all are asked
     */
    static Listing of(
            Host host,
            @Nullable StorageId only,
            @Nullable Vmid vmid,
            Set<ContentType> content,
            Duration limit,
            PrintWriter err)
            throws IOException {
        StorageService service = only == null ? host.all() : host.of(only);
        List<StorageId> asked = only == null
                ? host.configuration().current().all().stream()
                        .map(Storage::id)
                        .filter(id -> isListed(service, id))
                        .toList()
                : List.of(only);
        List<ListedVolume> volumes = new ArrayList<>();
        List<StorageId> failed = new ArrayList<>();
        for (Answer<List<ListedVolume>> answer : service.listVolumes(asked, vmid, content, limit)) {
            switch (answer) {
                case Answer.Given<List<ListedVolume>>(StorageId ignored, List<ListedVolume> listed) ->
                    volumes.addAll(listed);
                case Answer.Refused<List<ListedVolume>>(StorageId id, StorageException reason) -> {
                    if (only != null) {
                        throw reason;
                    }
                    failed.add(id);
                    err.println("tenon: storage '" + id + "' cannot be listed: " + reason.getMessage());
                }
            }
        }
        if (only == null) {
            host.problems().forEach(problem -> err.println("tenon: " + problem));
        }
        return new Listing(volumes, failed);
    }

    /** A storage without a plugin is reported when it is asked. */
    private static boolean isListed(StorageService service, StorageId id) {
        try {
            return service.isEnabled(id);
        } catch (StorageException e) {
            return true;
        }
    }

    /** To be called after printing: throws if a storage failed and the list is not complete. */
    void refuseIncomplete() throws IOException {
        if (!failed.isEmpty()) {
            throw new IOException("the list lacks the volumes of "
                    + String.join(", ", failed.stream().map(StorageId::value).toList()));
        }
    }
}

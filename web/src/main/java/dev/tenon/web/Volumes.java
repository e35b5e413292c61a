package dev.tenon.web;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeInfo;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The volumes of a storage, as JSON. The storage is not activated for it. */
final class Volumes {
    private static final int MOST = 50_000;
    private static final Duration LONGEST_SILENCE = Duration.ofSeconds(5);

    private final Node node;

    Volumes(Node node) {
        this.node = node;
    }

    /** Why a storage is not asked, if it has answered nothing for a while: it would keep a thread, of which there are few. */
    Optional<Response> refusal(String storage) throws IOException {
        Optional<Duration> silence;
        try {
            silence = node.observation().statuses().silence(new StorageId(storage));
        } catch (StorageException e) {
            return Optional.empty();
        }
        if (silence.isEmpty() || silence.get().compareTo(LONGEST_SILENCE) <= 0) {
            return Optional.empty();
        }
        String problem = "storage " + Quoted.of(storage) + " has not answered for "
                + silence.get().toSeconds() + " s, and is not asked for its volumes before it does";
        return Optional.of(Response.of("application/json", JSON.std.asBytes(Map.of("problem", problem))));
    }

    /** The volumes, or why there are none. */
    Response of(String storage) throws IOException {
        Map<String, Object> answer = new LinkedHashMap<>();
        try {
            List<ListedVolume> volumes = listed(new StorageId(storage));
            answer.put("all", volumes.size());
            answer.put(
                    "volumes",
                    volumes.stream()
                            .sorted(Comparator.comparing(
                                    listed -> listed.volume().volid().toString()))
                            .limit(MOST)
                            .map(Volumes::row)
                            .toList());
        } catch (StorageException e) {
            answer.put("problem", String.valueOf(e.getMessage()));
        }
        return Response.of("application/json", JSON.std.asBytes(answer));
    }

    private List<ListedVolume> listed(StorageId id) throws IOException {
        StorageService service = node.host().all();
        Storage storage = node.host().configuration().current().get(id);
        if (!service.isEnabled(id)) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "storage " + Quoted.of(id.value()) + " is disabled, or is not for this node");
        }
        StoragePlugin plugin = node.types().get(storage.config().type());
        if (plugin == null) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "no plugin answers for storage " + Quoted.of(id.value()));
        }
        Set<ContentType> content = EnumSet.noneOf(ContentType.class);
        content.addAll(storage.config().content());
        content.remove(ContentType.NONE);
        return plugin.listVolumes(storage, null, content);
    }

    /** A list, which is shorter than a map ten thousand times. */
    private static List<Object> row(ListedVolume listed) {
        VolumeInfo volume = listed.volume();
        List<Object> row = new ArrayList<>();
        row.add(volume.volid().toString());
        row.add(listed.content().word());
        row.add(volume.format().word());
        ByteSize size = volume.size();
        row.add(size == null ? "" : size.bytes());
        row.add(volume.owner() == null ? "" : volume.owner().toString());
        row.add(listed.notes() == null ? "" : listed.notes());
        return row;
    }
}

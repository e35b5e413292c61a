package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The calls of the API that the storage type needs, for one node. A refusal of the API is a {@link StorageException} of the
 * kind that it names; what has no answer is an {@link UnansweredException}.
 */
record ClusterApi(ApiClient client, Settings settings) {
    /** How much room a template has, in bytes. */
    record TemplateStatus(String name, long capacity, long free) {}

    /** Whether the cluster answers. */
    void services() {
        var _ = get("ServicesList").data();
    }

    void template(String name) {
        var _ = get("VolumeTemplateDescribe/" + name).data();
    }

    List<TemplateStatus> templates() {
        List<TemplateStatus> all = new ArrayList<>();
        if (!(get("VolumeTemplatesStatus").data() instanceof List<?> list)) {
            throw odd("VolumeTemplatesStatus");
        }
        for (Object item : list) {
            if (item instanceof Map<?, ?> template
                    && template.get("stored") instanceof Map<?, ?> stored
                    && stored.get("capacity") instanceof Long capacity
                    && stored.get("free") instanceof Long free) {
                all.add(new TemplateStatus(String.valueOf(template.get("name")), capacity, free));
            }
        }
        return all;
    }

    /** All volumes and snapshots of the cluster, whoever made them. */
    List<ApiObject> objects() {
        return get("VolumesAndSnapshotsList").objects();
    }

    List<ApiObject> volumes() {
        return get("VolumesList").objects();
    }

    List<ApiObject> snapshots() {
        return get("SnapshotsList").objects();
    }

    /** The object, empty if there is none. */
    Optional<ApiObject> find(GlobalId id, boolean isSnapshot) {
        String call = (isSnapshot ? "Snapshot/" : "Volume/") + id.reference();
        List<ApiObject> found;
        try {
            found = get(call).objects();
        } catch (StorageException e) {
            if (e.error() == StorageError.NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        }
        if (found.size() > 1) {
            throw odd(call);
        }
        return found.stream().findFirst().map(object -> object.of(isSnapshot));
    }

    /** A new volume full of zeroes. */
    GlobalId create(String template, long size, Map<String, String> tags) {
        return created(Map.of("template", template, "size", size, "tags", tags));
    }

    /** A new volume with the content of a snapshot. */
    GlobalId createFrom(GlobalId snapshot, Map<String, String> tags) {
        return created(Map.of("parent", snapshot.reference(), "tags", tags));
    }

    /** A new volume with the content of another. */
    GlobalId createOn(GlobalId volume, Map<String, String> tags) {
        return created(Map.of("baseOn", volume.reference(), "tags", tags));
    }

    private GlobalId created(Map<String, Object> request) {
        return made("VolumeCreate", request, "globalId");
    }

    GlobalId snapshot(GlobalId volume, Map<String, String> tags) {
        return made("VolumeSnapshot/" + volume.reference(), Map.of("tags", tags), "snapshotGlobalId");
    }

    private GlobalId made(String call, Map<String, Object> request, String field) {
        Object data = post(call, request).data();
        return Optional.ofNullable(data instanceof Map<?, ?> map ? map.get(field) : null)
                .flatMap(id -> GlobalId.of(String.valueOf(id)))
                .orElseThrow(() -> new UnansweredException(
                        StorageError.BAD_RESULT,
                        Outcome.UNKNOWN,
                        "the StorPool API's answer to " + call + " has no " + field,
                        true,
                        null));
    }

    void resize(GlobalId volume, long size) {
        change("VolumeUpdate/" + volume.reference(), Map.of("size", size));
    }

    /** Gives an object tags beside or instead of those that it has. */
    void tag(GlobalId id, boolean isSnapshot, Map<String, String> tags) {
        change((isSnapshot ? "SnapshotUpdate/" : "VolumeUpdate/") + id.reference(), Map.of("tags", tags));
    }

    void delete(GlobalId id, boolean isSnapshot) {
        change((isSnapshot ? "SnapshotDelete/" : "VolumeDelete/") + id.reference(), Map.of());
    }

    /** Makes a volume what it was at a snapshot, in content and size. */
    void revert(GlobalId volume, GlobalId snapshot) {
        change("VolumeRevert/" + volume.reference(), Map.of("toSnapshot", snapshot.reference(), "revertSize", true));
    }

    /**
     * Attaches an object to this node: a volume to write, a snapshot to read.
     *
     * @param isAlone whether all other nodes lose it, whatever they do with it
     */
    void attach(GlobalId id, boolean isSnapshot, boolean isAlone) {
        Map<String, Object> request = reassigned(id, isSnapshot);
        request.put(isSnapshot ? "ro" : "rw", List.of(settings.client()));
        if (isAlone) {
            request.put("detach", "all");
            request.put("force", true);
        }
        change("VolumesReassignWait", List.of(request));
    }

    /** Takes an object from this node, or from all; refused if it is in use. */
    void detach(GlobalId id, boolean isSnapshot, boolean fromAll) {
        Map<String, Object> request = reassigned(id, isSnapshot);
        request.put("detach", fromAll ? "all" : List.of(settings.client()));
        request.put("force", false);
        change("VolumesReassignWait", List.of(request));
    }

    private static Map<String, Object> reassigned(GlobalId id, boolean isSnapshot) {
        Map<String, Object> request = new LinkedHashMap<>();
        request.put(isSnapshot ? "snapshot" : "volume", id.reference());
        return request;
    }

    /** Waits until this node knows of all changes. */
    void awaitClient() {
        var _ = get("ClientConfigWait/" + settings.client()).data();
    }

    /**
     * Removes what a request made whose answer did not come.
     *
     * @param before the objects that there were before the request
     * @param tags those of what it made
     * @return the failure, with what is known of it now
     */
    StorageException withoutTrace(
            StorageException failure, Set<String> before, boolean isSnapshot, Map<String, String> tags) {
        if (failure.outcome() != Outcome.UNKNOWN) {
            return failure;
        }
        // The thread may have been interrupted, which must not keep it from looking.
        boolean wasInterrupted = Thread.interrupted();
        try {
            List<ApiObject> made = (isSnapshot ? snapshots() : volumes())
                    .stream()
                            .filter(object -> !before.contains(object.globalId()) && object.isThere())
                            .filter(object -> object.tags().equals(tags))
                            .toList();
            for (ApiObject object : made) {
                GlobalId.of(object.globalId()).ifPresent(id -> delete(id, isSnapshot));
            }
            boolean isOver = !made.isEmpty() || (failure instanceof UnansweredException lost && lost.hasBegun());
            String what = made.isEmpty() ? "it made nothing" : "what it made was removed";
            return isOver
                    ? new StorageException(
                            failure.error(), Outcome.FAILED_CLEAN, failure.getMessage() + "; " + what, failure)
                    : failure;
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return failure;
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private Reply get(String call) {
        return client.get(settings, call);
    }

    private Reply post(String call, Object request) {
        return client.post(settings, call, request);
    }

    private void change(String call, Object request) {
        var _ = post(call, request).data();
    }

    private static StorageException odd(String call) {
        return new StorageException(
                StorageError.BAD_RESULT,
                Outcome.NOT_STARTED,
                "the StorPool API's answer to " + call + " is not what belongs there");
    }
}

package dev.tenon.it.storpool;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The calls of the API. */
final class Api {
    private final Cluster cluster;
    private final Faults faults;

    Api(Cluster cluster, Faults faults) {
        this.cluster = cluster;
        this.faults = faults;
    }

    /**
     * What a call answers as its data.
     *
     * @param call the first word of the path
     * @param subject the second, empty if there is none
     */
    Object get(String call, String subject) {
        return switch (call + (subject.isEmpty() ? "" : "/")) {
            case "ServicesList" -> Map.of("mgmt", Map.of("1", Map.of("status", "running")));
            case "VolumeTemplateDescribe/" -> {
                template(subject);
                yield Map.of("name", subject);
            }
            case "VolumeTemplatesStatus" ->
                cluster.templates().stream().sorted().map(this::status).toList();
            case "VolumesAndSnapshotsList" -> Map.of("volumes", list(object -> true));
            case "VolumesList" -> list(object -> !object.isSnapshot());
            case "SnapshotsList" -> list(Stored::isSnapshot);
            case "Volume/" -> List.of(cluster.find(Body.id(subject), false).json());
            case "Snapshot/" -> List.of(cluster.find(Body.id(subject), true).json());
            case "VolumeDescribe/" -> cluster.find(Body.id(subject), false).json();
            case "ClientConfigWait/" ->
                Map.of("client", Body.client(subject), "clientGeneration", cluster.generation());
            default -> throw unknown("GET", call, subject);
        };
    }

    private void template(String name) {
        if (!cluster.templates().contains(name)) {
            throw ApiError.missing("template '" + name + "'");
        }
    }

    private Map<String, Object> status(String template) {
        return Map.of(
                "name",
                template,
                "stored",
                Map.of("capacity", Cluster.CAPACITY, "free", Cluster.CAPACITY - cluster.stored(template)));
    }

    private List<Map<String, Object>> list(Predicate<Stored> wanted) {
        return cluster.objects().stream().filter(wanted).map(Stored::json).toList();
    }

    private static ApiError unknown(String method, String call, String subject) {
        return ApiError.invalid(
                "there is no call " + method + " " + call + (subject.isEmpty() ? "" : "/" + subject) + " here");
    }

    /** The same for calls that change something. */
    Map<String, Object> post(String call, String subject, @Nullable Object json) {
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("ok", true);
        switch (call + (subject.isEmpty() ? "" : "/")) {
            case "VolumeCreate" -> {
                Stored made = create(Body.of(json));
                data.put("globalId", made.globalId());
                data.put("name", made.name());
                data.put("autoName", made.name());
            }
            case "VolumeUpdate/" -> {
                Body body = Body.of(json).only("size", "tags");
                if (body.has("size") == body.has("tags")) {
                    throw ApiError.invalid("a volume is given a size or tags");
                } else if (body.has("size")) {
                    cluster.resize(Body.id(subject), body.size());
                } else {
                    cluster.tag(Body.id(subject), false, body.tags());
                }
            }
            case "SnapshotUpdate/" ->
                cluster.tag(Body.id(subject), true, Body.of(json).only("tags").tags());
            case "VolumeDelete/" -> delete(call, subject, json, false);
            case "SnapshotDelete/" -> delete(call, subject, json, true);
            case "VolumeSnapshot/" ->
                data.put(
                        "snapshotGlobalId",
                        cluster.snapshot(
                                        Body.id(subject),
                                        Body.of(json).only("tags").tags())
                                .globalId());
            case "VolumeRevert/" -> {
                refuseBusy(call, subject);
                Body body = Body.of(json).only("toSnapshot", "revertSize");
                if (!body.flag("revertSize")) {
                    throw ApiError.invalid("a volume is reverted with its size here");
                }
                cluster.revert(Body.id(subject), body.reference("toSnapshot"));
            }
            case "VolumesReassignWait" -> reassign(json);
            default -> throw unknown("POST", call, subject);
        }
        return data;
    }

    private Stored create(Body body) {
        if (body.has("parent")) {
            body.only("parent", "tags");
            return cluster.createFrom(body.reference("parent"), body.tags());
        }
        if (body.has("baseOn")) {
            body.only("baseOn", "tags");
            return cluster.createOn(body.reference("baseOn"), body.tags());
        }
        body.only("template", "size", "tags");
        return cluster.create(body.template(), body.size(), body.tags());
    }

    private void delete(String call, String subject, @Nullable Object json, boolean isSnapshot) {
        Body.of(json).only();
        refuseBusy(call, subject);
        cluster.delete(Body.id(subject), isSnapshot);
    }

    private void refuseBusy(String call, String subject) {
        if (faults.take(call, Faults.Kind.BUSY).isPresent()) {
            throw ApiError.busy("'" + subject + "' is busy");
        }
    }

    /** The older form is a list, the newer one an object with the list in it. */
    private void reassign(@Nullable Object json) {
        Object list = json;
        if (json instanceof Map<?, ?> map) {
            new Body(map).only("reassign", "attachTimeout");
            list = map.get("reassign");
        }
        List<Runnable> all = new ArrayList<>();
        for (Body body : Body.all(list)) {
            body.only("volume", "snapshot", "rw", "ro", "detach", "force");
            if (body.has("volume") == body.has("snapshot") || (body.has("rw") && body.has("ro"))) {
                throw ApiError.invalid("a request is about one volume or snapshot, rw or ro");
            }
            boolean isSnapshot = body.has("snapshot");
            String id = body.reference(isSnapshot ? "snapshot" : "volume");
            String mode = body.has("ro") ? "ro" : "rw";
            Set<Integer> attach = body.has(mode) ? body.clients(mode) : Set.of();
            boolean isAll = "all".equals(body.fields().get("detach"));
            Set<Integer> detach =
                    isAll || !body.has("detach") ? new TreeSet<>() : new TreeSet<>(body.clients("detach"));
            if (body.has("detach") && !body.flag("force")) {
                refuseBusy("VolumesReassignWait", id);
            }
            boolean hasDevice = attach.isEmpty()
                    || faults.take("VolumesReassignWait", Faults.Kind.LOST_ATTACH)
                            .isEmpty();
            all.add(() -> cluster.reassign(id, isSnapshot, mode, attach, isAll ? null : detach, hasDevice));
        }
        all.forEach(Runnable::run);
    }
}

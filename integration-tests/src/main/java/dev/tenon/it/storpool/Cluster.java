package dev.tenon.it.storpool;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The objects of a cluster and who has attached them. One call at a time changes it. */
public final class Cluster {
    private static final long FIRST_SECOND = 1_700_000_000;

    /** The capacity of each template. */
    public static final long CAPACITY = 1L << 44;

    private final Devices devices;
    private final Set<String> templates;
    private final Map<String, Stored> objects = new TreeMap<>();
    /** By object, the clients that have it and how: {@code rw} or {@code ro}. */
    private final Map<String, Map<Integer, String>> attachments = new TreeMap<>();

    private long generation;
    private int made;

    Cluster(Devices devices, Set<String> templates) {
        this.devices = devices;
        this.templates = Set.copyOf(templates);
    }

    /** Rises with every change. */
    synchronized long generation() {
        return generation;
    }

    Set<String> templates() {
        return templates;
    }

    /** All objects, also those that nobody lists, by their ids. */
    public synchronized List<Stored> objects() {
        return List.copyOf(objects.values());
    }

    /** Who has attached what, as text: {@code a.b.1 to 1 rw}. */
    public synchronized List<String> attached() {
        List<String> all = new ArrayList<>();
        attachments.forEach(
                (id, clients) -> clients.forEach((client, mode) -> all.add(id + " to " + client + " " + mode)));
        return all;
    }

    /** Where a client sees its devices. */
    public Path devices(int client) {
        return devices.ofClient(client);
    }

    synchronized Stored find(String globalId, boolean isSnapshot) {
        Stored object = objects.get(globalId);
        if (object == null || object.isSnapshot() != isSnapshot) {
            throw ApiError.missing((isSnapshot ? "snapshot '~" : "volume '~") + globalId + "'");
        }
        return object;
    }

    /** What is stored in a template, in bytes. */
    synchronized long stored(String template) {
        return objects.values().stream()
                .filter(object -> object.template().equals(template))
                .mapToLong(Stored::size)
                .sum();
    }

    private String newId() {
        made++;
        return "a.b." + Integer.toString(made, Character.MAX_RADIX);
    }

    private Stored add(Stored object) {
        objects.put(object.globalId(), object);
        generation++;
        return object;
    }

    /** A new volume full of zeroes. */
    public synchronized Stored create(String template, long size, Map<String, String> tags) {
        if (!templates.contains(template)) {
            throw ApiError.missing("template '" + template + "'");
        }
        Stored volume = new Stored(newId(), false, size, template, FIRST_SECOND + made, null, false, tags);
        devices.create(volume.globalId(), size);
        return add(volume);
    }

    /** A new volume with the content of a snapshot. */
    synchronized Stored createFrom(String snapshot, Map<String, String> tags) {
        Stored parent = find(snapshot, true);
        Stored volume = new Stored(
                newId(), false, parent.size(), parent.template(), FIRST_SECOND + made, snapshot, false, tags);
        devices.copy(snapshot, volume.globalId());
        return add(volume);
    }

    /** A new volume with the content of another, which gets a transient snapshot for it. */
    synchronized Stored createOn(String volume, Map<String, String> tags) {
        return createFrom(take(volume, Map.of(), true).globalId(), tags);
    }

    /** A snapshot of a volume. */
    public synchronized Stored snapshot(String volume, Map<String, String> tags) {
        return take(volume, tags, false);
    }

    private Stored take(String volume, Map<String, String> tags, boolean isTransient) {
        Stored of = find(volume, false);
        Stored snapshot = new Stored(
                newId(), true, of.size(), of.template(), FIRST_SECOND + made, of.parent(), isTransient, tags);
        devices.copy(volume, snapshot.globalId());
        objects.put(volume, of.withParent(snapshot.globalId()));
        return add(snapshot);
    }

    /** Makes a volume larger. */
    synchronized void resize(String volume, long size) {
        Stored object = find(volume, false);
        if (size < object.size()) {
            throw ApiError.invalid("volume '~" + volume + "' cannot be shrunk");
        }
        devices.resize(volume, size);
        add(object.withSize(size));
    }

    synchronized void tag(String globalId, boolean isSnapshot, Map<String, String> tags) {
        add(find(globalId, isSnapshot).tagged(tags));
    }

    /** Makes a volume what it was at a snapshot, in content and size. */
    synchronized void revert(String volume, String snapshot) {
        Stored object = find(volume, false);
        Stored to = find(snapshot, true);
        refuseAttached(object);
        devices.copy(snapshot, volume);
        add(object.withSize(to.size()).withParent(snapshot));
    }

    public synchronized void delete(String globalId, boolean isSnapshot) {
        Stored object = find(globalId, isSnapshot);
        refuseAttached(object);
        objects.remove(globalId);
        devices.remove(globalId);
        generation++;
    }

    private void refuseAttached(Stored object) {
        Map<Integer, String> clients = attachments.get(object.globalId());
        if (clients != null) {
            throw ApiError.busy("'" + object.name() + "' is attached to client " + clients.keySet());
        }
    }

    /**
     * Attaches and detaches an object.
     *
     * @param mode {@code rw} or {@code ro}
     * @param attach the clients that get it
     * @param detach the clients that lose it, null for all others
     * @param hasDevice whether the clients see a device then, as they should
     */
    synchronized void reassign(
            String globalId,
            boolean isSnapshot,
            String mode,
            Set<Integer> attach,
            @Nullable Set<Integer> detach,
            boolean hasDevice) {
        Stored object = find(globalId, isSnapshot);
        if (isSnapshot && mode.equals("rw") && !attach.isEmpty()) {
            throw ApiError.invalid("snapshot '" + object.name() + "' cannot be attached rw");
        }
        Map<Integer, String> clients = attachments.getOrDefault(globalId, new TreeMap<>());
        Set<Integer> leaving = Objects.requireNonNullElseGet(detach, () -> Set.copyOf(clients.keySet()));
        for (int client : leaving) {
            if (!attach.contains(client)) {
                clients.remove(client);
                devices.detach(globalId, client);
            }
        }
        for (int client : attach) {
            clients.put(client, mode);
            if (hasDevice) {
                devices.attach(globalId, client);
            }
        }
        if (clients.isEmpty()) {
            attachments.remove(globalId);
        } else {
            attachments.put(globalId, clients);
        }
        generation++;
    }
}

package dev.tenon.core.storage.block.storpool;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What PVE's cluster file system says of the cluster and its guests.
 *
 * @param etc where it is
 */
record PveCluster(Path etc) {
    private static final String MIGRATES = "migrate";

    /**
     * Where a guest is.
     *
     * @param node the node that it belongs to now
     * @param isMigrating whether it is on its way to another
     */
    record Guest(String node, boolean isMigrating) {}

    /**
     * The name of the cluster. Where there is no PVE it is the name of the node, as for Perl plugins there.
     *
     * @throws StorageException {@code BAD_CONFIG} if this node of PVE is in no cluster
     */
    String name(String node) {
        Path members = etc.resolve(".members");
        Map<?, ?> told = read(members).orElse(null);
        if (told == null) {
            return node;
        }
        if (told.get("cluster") instanceof Map<?, ?> cluster
                && cluster.get("name") instanceof String name
                && !name.isEmpty()) {
            return name;
        }
        throw StorageException.refused(
                StorageError.BAD_CONFIG,
                "this node is in no cluster of PVE ('" + members
                        + "' names none), and the volumes of StorPool carry its"
                        + " name: make one with 'pvecm create'");
    }

    /** Where a guest is, empty if the cluster does not know it. */
    Optional<Guest> guest(Vmid guest) {
        return read(etc.resolve(".vmlist"))
                .flatMap(list -> node(list, guest))
                .map(node -> new Guest(node, isLocked(guest, node) || isMovedByHa(guest)));
    }

    private static Optional<String> node(Map<String, Object> list, Vmid guest) {
        return list.get("ids") instanceof Map<?, ?> ids
                        && ids.get(guest.toString()) instanceof Map<?, ?> entry
                        && entry.get("node") instanceof String node
                ? Optional.of(node)
                : Optional.empty();
    }

    private boolean isLocked(Vmid guest, String node) {
        for (String kind : List.of("qemu-server", "lxc")) {
            Path config = etc.resolve("nodes").resolve(node).resolve(kind).resolve(guest + ".conf");
            try {
                if (Files.exists(config) && lock(Files.readAllLines(config)).equals(Optional.of(MIGRATES))) {
                    return true;
                }
            } catch (IOException e) {
                throw unreadable(config, e);
            }
        }
        return false;
    }

    /** The lock of the guest as it is now; the sections after it are its snapshots. */
    private static Optional<String> lock(List<String> config) {
        return config.stream()
                .takeWhile(line -> !line.startsWith("["))
                .filter(line -> line.startsWith("lock:"))
                .map(line -> line.substring("lock:".length()).strip())
                .findFirst();
    }

    private boolean isMovedByHa(Vmid guest) {
        Map<?, ?> services = read(etc.resolve("ha/manager_status"))
                .map(status -> status.get("service_status") instanceof Map<?, ?> map ? map : null)
                .orElse(null);
        return services != null && (isMoved(services.get("vm:" + guest)) || isMoved(services.get("ct:" + guest)));
    }

    private static boolean isMoved(@Nullable Object service) {
        return service instanceof Map<?, ?> map && MIGRATES.equals(map.get("state"));
    }

    private static Optional<Map<String, Object>> read(Path file) {
        try {
            return Files.exists(file) ? Optional.of(JSON.std.mapFrom(Files.readString(file))) : Optional.empty();
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static StorageException unreadable(Path file, IOException e) {
        String why = e.getMessage() == null ? e.toString() : e.getMessage();
        return new StorageException(
                StorageError.BAD_CONFIG,
                Outcome.NOT_STARTED,
                "unable to read '" + file + "': " + why.lines().findFirst().orElse(""),
                e);
    }
}

package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.storage.block.zfs.ZfsHost;
import dev.tenon.core.storage.block.zfs.ZfsPoolPlugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Pools of ZFS in a guest, and storages on them. */
public final class ZfsLab {
    static final String POOL = "tank";
    static final String ID = "lab";

    static final ZfsHost HOST = host(Locks.ofHost());

    private ZfsLab() {}

    /** With the patience that a guest without a processor of its own needs. */
    public static ZfsHost host(Locks locks) {
        return new ZfsHost(
                Path.of("/sbin"),
                Path.of("/dev/zvol"),
                Path.of("/proc/mounts"),
                locks,
                Duration.ofMinutes(5),
                Duration.ofMinutes(10),
                Duration.ofMinutes(1));
    }

    static ZfsPoolPlugin plugin() {
        return new ZfsPoolPlugin(HOST);
    }

    /** A pool of this name, unless it is there. */
    public static void prepare(String pool, String size) {
        assertThat(System.getenv("TENON_GUEST")).as("this is a guest").isNotBlank();
        if (names("filesystem", "").contains(pool)) {
            return;
        }
        // A whole disk would be waited for: there is no udev that tells of its partitions.
        Path file = Path.of("/tmp", "pool-" + pool);
        Lab.run("truncate", "-s", size, file.toString());
        Lab.run("zpool", "create", "-m", "/" + pool, pool, file.toString());
    }

    static void destroy(String pool) throws IOException {
        Lab.run("zpool", "destroy", "-f", pool);
        Files.delete(Path.of("/tmp", "pool-" + pool));
    }

    /** The names of all datasets or snapshots in this one, and its own; of all pools for an empty text. */
    public static List<String> names(String types, String in) {
        return (in.isEmpty()
                        ? Lab.run("zfs", "list", "-H", "-o", "name", "-t", types)
                        : Lab.run("zfs", "list", "-H", "-o", "name", "-t", types, "-r", in))
                .lines()
                .filter(line -> !line.startsWith("no datasets"))
                .toList();
    }

    public static Storage storage(String place, Map<String, Object> more) {
        Map<String, Object> properties = new LinkedHashMap<>(Map.of("pool", place));
        properties.put("content", Map.of("images", "1", "rootdir", "1"));
        properties.putAll(more);
        return Storage.of(ID, "zfspool", properties);
    }
}

package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.lock.Locks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.slf4j.LoggerFactory;

/**
 * Where the storage type finds what it needs on a node, and how long it waits.
 *
 * @param confget the program that prints the node's settings for StorPool, by path or by a name that {@code PATH} has
 * @param devices the directory in which the kernel shows the devices, {@code /dev/storpool-byid}
 * @param etc PVE's configuration, {@code /etc/pve}, where the cluster, its guests and their nodes are told
 * @param node what PVE calls this node
 */
public record StorpoolHost(String confget, Path devices, Path etc, String node, Limits limits) {
    /** This node as PVE uses it; where there is no PVE, what it keeps in {@code /etc/pve} is in {@code /etc/tenon}. */
    public static final StorpoolHost USUAL = new StorpoolHost(
            "storpool_confget",
            Path.of("/dev/storpool-byid"),
            Objects.requireNonNullElse(Locks.ofHost().cluster(), Path.of("/etc/tenon")),
            hostName(),
            Limits.USUAL);

    /**
     * How long things may take.
     *
     * @param connect to connect to the API
     * @param read to read something, with its whole answer
     * @param change to change something; StorPool answers when all its clients know
     * @param device until a device is there that StorPool has attached
     * @param retries how often the API is asked again that could not be reached, or that answered a question in part
     * @param pause before each of these
     */
    public record Limits(
            Duration connect, Duration read, Duration change, Duration device, int retries, Duration pause) {
        /** Those that StorPool's own plugin has for retries; it waits half an hour for answers. */
        public static final Limits USUAL = new Limits(
                Duration.ofSeconds(5),
                Duration.ofSeconds(30),
                Duration.ofSeconds(120),
                Duration.ofSeconds(10),
                3,
                Duration.ofSeconds(3));
    }

    private static String hostName() {
        try {
            String name = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
            int dot = name.indexOf('.');
            return dot < 0 ? name : name.substring(0, dot);
        } catch (IOException e) {
            LoggerFactory.getLogger(StorpoolHost.class).warn("the name of this host is not known: {}", e.toString());
            return "localhost";
        }
    }
}

package dev.tenon.it.support;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.storage.block.storpool.StorpoolHost;
import dev.tenon.core.storage.block.storpool.StorpoolPlugin;
import dev.tenon.it.storpool.Emulator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** An emulated StorPool cluster and nodes of a PVE cluster that use it. */
public final class StorpoolLab {
    /** The checkout of the public plugin {@code pve-storpool}, which the tests run beside Tenon's own. */
    public static final String VARIABLE = "TENON_STORPOOL_PLUGIN";

    public static final String TEMPLATE = "hybrid";
    public static final String STORAGE = "sp";
    public static final String TOKEN = "1234567890";
    public static final String PVE_CLUSTER = "lab";

    /** The first node, whose client has this id. */
    public static final int FIRST = 1;

    private final Scratch scratch;
    private final Emulator emulator;
    private final Path directory;

    private StorpoolLab(Scratch scratch, Emulator emulator, Path directory) {
        this.scratch = scratch;
        this.emulator = emulator;
        this.directory = directory;
    }

    /** An empty one, in a directory of this name. */
    public static StorpoolLab start(Scratch scratch, String name) {
        Path directory = scratch.file(name);
        try {
            Emulator emulator = scratch.closing(
                    Emulator.start(0, directory.resolve("cluster"), TOKEN, Set.of(TEMPLATE, STORAGE, "other")));
            StorpoolLab lab = new StorpoolLab(scratch, emulator, directory);
            lab.guests(Map.of());
            return lab;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Emulator emulator() {
        return emulator;
    }

    /** Where a node sees its devices. */
    public Path devices(int node) {
        return emulator.cluster().devices(node);
    }

    private Path node(int number) {
        return directory.resolve("node" + number);
    }

    /** What nodes are called. */
    public static String name(int node) {
        return "node" + node;
    }

    /**
     * What the cluster knows of its guests, which other nodes than the first read when they are asked for.
     *
     * @param guests by number, {@code node} and, if it has one, {@code lock}
     */
    public void guests(Map<Long, Map<String, String>> guests) {
        try {
            Map<String, Object> perl = new TreeMap<>();
            guests.forEach((guest, what) -> perl.put(guest.toString(), what));
            Files.createDirectories(directory);
            JSON.std.write(perl, directory.resolve("guests.json").toFile());
            Path etc = Files.createDirectories(etc());
            Map<String, Object> ids = new TreeMap<>();
            for (Map.Entry<Long, Map<String, String>> guest : guests.entrySet()) {
                String node = guest.getValue().getOrDefault("node", name(FIRST));
                ids.put(guest.getKey().toString(), Map.of("node", node, "type", "qemu", "version", 1));
                Path config = Files.createDirectories(
                                etc.resolve("nodes").resolve(node).resolve("qemu-server"))
                        .resolve(guest.getKey() + ".conf");
                String lock = guest.getValue().get("lock");
                Files.writeString(
                        config, "cores: 1\n" + (lock == null ? "" : "lock: " + lock + "\n") + "memory: 512\n");
            }
            JSON.std.write(
                    Map.of("version", 1, "ids", ids), etc.resolve(".vmlist").toFile());
            JSON.std.write(
                    Map.of("nodename", name(FIRST), "cluster", Map.of("name", PVE_CLUSTER, "nodes", 2)),
                    etc.resolve(".members").toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** PVE's configuration directory, which all nodes share. */
    public Path etc() {
        return directory.resolve("etc");
    }

    /** The program that tells this node the settings of the cluster. */
    public Path confget(int node, Map<String, String> more) {
        return confget(node, TOKEN, more);
    }

    /** The same with another token. */
    public Path confget(int node, String token, Map<String, String> more) {
        try {
            return emulator.confget(node(node).resolve("bin"), node, token, more);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a test waits for, which need not be long. */
    public static final StorpoolHost.Limits PATIENT = new StorpoolHost.Limits(
            Duration.ofSeconds(5),
            Duration.ofSeconds(20),
            Duration.ofSeconds(20),
            Duration.ofMillis(200),
            2,
            Duration.ofMillis(10));

    /** Tenon's own plugin on this node. */
    public StorpoolPlugin java(int node) {
        return java(node, PATIENT);
    }

    public StorpoolPlugin java(int node, StorpoolHost.Limits limits) {
        return java(node, limits, confget(node, Map.of()));
    }

    /** The same with another program that tells the settings. */
    public StorpoolPlugin java(int node, StorpoolHost.Limits limits, Path confget) {
        return new StorpoolPlugin(new StorpoolHost(confget.toString(), devices(node), etc(), name(node), limits));
    }

    /** StorPool's own plugin, hosted on this node. */
    public SidecarHost perl(int node) {
        try {
            confget(node, Map.of());
            Path file = node(node).resolve("StorPoolHerePlugin.pm");
            Files.copy(Installation.plugin("StorPoolHerePlugin.pm"), file, StandardCopyOption.REPLACE_EXISTING);
            Files.deleteIfExists(node(node).resolve("guests.json"));
            Files.createSymbolicLink(node(node).resolve("guests.json"), directory.resolve("guests.json"));
            Map<String, String> here = new LinkedHashMap<>();
            here.put("plugin", checkout().toString());
            here.put("cluster", PVE_CLUSTER);
            here.put("node", name(node));
            here.put("devices", devices(node).toString());
            JSON.std.write(here, node(node).resolve("here.json").toFile());
            return SidecarHost.start(scratch, file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path checkout() {
        String checkout = System.getenv(VARIABLE);
        assumeTrue(
                checkout != null && !checkout.isEmpty(),
                "StorPool's own plugin is not here: set " + VARIABLE
                        + " to a checkout of https://github.com/storpool/pve-storpool");
        return Path.of(checkout);
    }

    /** A storage on the cluster, with these properties beside the usual ones, key and value in turn. */
    public static Storage storage(String... more) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("template", TEMPLATE);
        properties.put("content", Map.of("images", "1"));
        properties.put("shared", "1");
        for (int i = 0; i < more.length; i += 2) {
            properties.put(more[i], more[i + 1]);
        }
        return Storage.of(STORAGE, "storpool", properties);
    }
}

package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.storage.common.CephCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An image, or a snapshot of one, as a device of the kernel. Udev's rules of PVE and of Ceph name it. */
final class KernelDevice {
    private static final Logger LOG = LoggerFactory.getLogger(KernelDevice.class);
    private static final Pattern FSID = Pattern.compile("(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    private static final Pattern DEVICE = Pattern.compile("/rbd(\\d+)$");

    /** What a clone of an image needs of the kernel to be mapped, since Linux 5.3. */
    private static final List<String> FEATURES = List.of("exclusive-lock", "object-map", "fast-diff");

    /** Bounce buffers, without which guests that read into memory they change meanwhile are slow. */
    private static final String BOUNCES = "rxbounce";

    /** A cluster keeps its identity, but another may take its address. */
    private static final Map<Connection, String> CLUSTERS = new ConcurrentHashMap<>();

    private final RbdHost host;
    private final Storage storage;
    private final Rbd rbd;

    KernelDevice(RbdHost host, Storage storage, Rbd rbd) {
        this.host = host;
        this.storage = storage;
        this.rbd = rbd;
    }

    /** Whether this node can have mapped images at all. */
    private boolean isUsed() {
        return Files.exists(host.devices().resolve("rbd-pve"))
                || Files.exists(host.devices().resolve("rbd"));
    }

    private String fsid() {
        String fsid = Configuration.monitors(storage).isPresent()
                ? asked()
                : CephCluster.read(host.etc().resolve("ceph.conf"))
                        .value("global", "fsid")
                        .orElse("");
        if (!FSID.matcher(fsid).matches()) {
            throw StorageException.refused(
                    StorageError.BAD_CONFIG,
                    "storage '" + storage.id() + "': cluster fsid has invalid format: " + Quoted.of(fsid));
        }
        return fsid;
    }

    private String asked() {
        String known = CLUSTERS.get(rbd.connection());
        if (known == null) {
            known = rbd.fsid();
            CLUSTERS.put(rbd.connection(), known);
        }
        return known;
    }

    /** Asks again which cluster a storage is on. */
    static void forget(Storage storage) {
        List<String> monitors = Connection.monitorsOf(storage);
        CLUSTERS.keySet().removeIf(connection -> connection.monitors().equals(monitors));
    }

    /**
     * Where the device of an image is, or will be.
     *
     * @param image with its snapshot if there is one
     */
    Path path(String image) {
        String fsid = fsid();
        String place = Configuration.place(storage, image);
        Path named = host.devices().resolve("rbd-pve").resolve(fsid).resolve(place);
        Path before = host.devices().resolve("rbd").resolve(place);
        // It may have been mapped before there were names with the cluster in them.
        if (!Files.exists(named) && Files.exists(before)) {
            Optional<String> cluster = number(before).flatMap(number -> firstLine(number, "cluster_fsid"));
            if (cluster.filter(fsid::equals).isPresent()) {
                return before;
            }
        }
        return named;
    }

    private static Optional<String> number(Path device) {
        try {
            Matcher name = DEVICE.matcher(device.toRealPath().toString());
            return name.find() ? Optional.of(name.group(1)) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private Optional<String> firstLine(String number, String file) {
        try {
            return Files.readAllLines(host.kernel().resolve(number).resolve(file)).stream()
                    .findFirst();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static boolean isBlockDevice(Path path) {
        try {
            return FileStatus.of(path).isBlockDevice();
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Makes the device, unless it is there.
     *
     * @param name the image
     * @param image with its snapshot if there is one
     */
    Path map(String name, String image, Hints hints) {
        Path path = path(image);
        boolean bounces = hints.values().getOrDefault("guest-is-windows", 0L) != 0;
        if (isBlockDevice(path)) {
            if (!bounces || hasBounces(path)) {
                return path;
            }
            if (hints.values().getOrDefault("plugin-may-deactivate-volume", 0L) == 0) {
                LOG.warn("event=rxbounce-not-applied volume={}:{} reason=\"it may be in use\"", storage.id(), image);
                return path;
            }
            try {
                unmap(path);
            } catch (StorageException e) {
                LOG.warn("event=rxbounce-not-applied volume={}:{} reason=\"{}\"", storage.id(), image, e.getMessage());
                return path;
            }
        }
        enableFeatures(name);
        List<String> arguments = new ArrayList<>(List.of(image));
        if (bounces) {
            arguments.addAll(List.of("--options", BOUNCES));
        }
        rbd.change("can't map rbd volume " + image, "map", arguments.toArray(String[]::new));
        return path;
    }

    private boolean hasBounces(Path path) {
        // Addresses, options, and more, between blanks.
        Optional<String> info = number(path).flatMap(number -> firstLine(number, "config_info"));
        String[] words = info.orElse("").split("\\s+", -1);
        return words.length > 1 && List.of(words[1].split(",", -1)).contains(BOUNCES);
    }

    /** It is mapped without them, too, but slower. */
    private void enableFeatures(String name) {
        List<String> missing = new ArrayList<>(FEATURES);
        missing.removeAll(rbd.info(name).features());
        if (missing.isEmpty()) {
            return;
        }
        try {
            rbd.change(
                    "could not enable krbd-compatible image features of rbd image " + name,
                    "feature",
                    "enable",
                    name,
                    String.join(",", missing));
        } catch (StorageException e) {
            LOG.warn("event=features-not-enabled volume={}:{} reason=\"{}\"", storage.id(), name, e.getMessage());
        }
    }

    /** Removes the device of an image, if there is one. */
    void unmap(String image) {
        if (isUsed()) {
            Path path = path(image);
            if (isBlockDevice(path)) {
                unmap(path);
            }
        }
    }

    private void unmap(Path path) {
        rbd.change("can't unmap rbd device " + path, "unmap", path.toString());
    }
}

package dev.tenon.core.backup.host;

import dev.tenon.core.backup.nbd.NbdServer;
import dev.tenon.core.backup.nbd.ServedDisk;
import dev.tenon.core.command.Companion;
import dev.tenon.core.linux.MountTable;
import dev.tenon.core.qemu.StorageDaemon;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows a disk that exists nowhere in one piece at a path, which a provider in Java gives PVE for a restore, so that the
 * archive need not be copied first. PVE takes files and block devices only. Behind the path is our own NBD server.
 *
 * <p>Everything ends when this is closed, or when this process ends, however that happens; files left in the work directory
 * are removed by the next {@link WorkDirectory}.
 */
public final class ShownDisk implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ShownDisk.class);
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int MOST_DEVICES = 64;

    /** How a disk gets a path, the best first. */
    public enum Way {
        /** A file of qemu-storage-daemon, which supports holes. PVE hosts have it. Needs FUSE. */
        STORAGE_DAEMON,
        /** A file of nbdfuse, which is read whole. Needs FUSE. */
        NBDFUSE,
        /** A block device of the kernel's NBD client. Needs root and the module {@code nbd}. */
        DEVICE
    }

    private final NbdServer server;
    private final Way way;
    private final Path path;
    private final Companion program;

    private ShownDisk(NbdServer server, Way way, Path path, Companion program) {
        this.server = server;
        this.way = way;
        this.path = path;
        this.program = program;
    }

    /** Shows a disk in the best way that works here. */
    public static ShownDisk show(WorkDirectory work, String name, ServedDisk disk) {
        return show(work, name, disk, Arrays.asList(Way.values()));
    }

    /**
     * Shows a disk.
     *
     * @param name that no other disk has in this work directory: letters, digits and hyphens
     * @param disk is the caller's to close, after this
     * @param ways which to try, one after the other
     * @throws StorageException {@code NOT_SUPPORTED} if none works, with the reason of each
     */
    static ShownDisk show(WorkDirectory work, String name, ServedDisk disk, List<Way> ways) {
        NbdServer server;
        try {
            server = NbdServer.listen(work.resolve(name + ".sock"), Map.of(name, disk));
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.FAILED_CLEAN,
                    "no NBD server can be started: " + e.getMessage(),
                    e);
        }
        StringBuilder reasons = new StringBuilder();
        for (Way way : ways) {
            try {
                return switch (way) {
                    case STORAGE_DAEMON -> byStorageDaemon(work, name, server, disk.size());
                    case NBDFUSE -> byNbdfuse(work, name, server);
                    case DEVICE -> byDevice(work, name, server);
                };
            } catch (IOException | StorageException e) {
                boolean isCancelled = e instanceof StorageException known && known.error() == StorageError.CANCELLED;
                if (isCancelled) {
                    server.close();
                    throw (StorageException) e;
                }
                LOG.info("event=way-of-showing-failed way={} reason=\"{}\"", way, e.getMessage());
                reasons.append("; ").append(e.getMessage());
            }
        }
        server.close();
        throw new StorageException(
                StorageError.NOT_SUPPORTED,
                Outcome.FAILED_CLEAN,
                "a disk of an archive cannot be shown as a file here; install qemu-storage-daemon or nbdfuse, and see"
                        + " that /dev/fuse is there" + reasons);
    }

    private static ShownDisk byStorageDaemon(WorkDirectory work, String name, NbdServer server, long size)
            throws IOException {
        requireFuse();
        Path file = work.resolve(name + ".raw");
        if (!Files.exists(file)) {
            Files.createFile(file);
        }
        Companion program = Companion.start(
                List.of(
                        "qemu-storage-daemon",
                        "--blockdev",
                        "driver=nbd,node-name=disk,read-only=on,export=" + name + ",server.type=unix,server.path="
                                + StorageDaemon.escaped(server.socket()),
                        "--export",
                        "type=fuse,id=file,node-name=disk,writable=off,allow-other=off,mountpoint="
                                + StorageDaemon.escaped(file)),
                work.resolve(name + "-daemon.log"));
        return ready(new ShownDisk(server, Way.STORAGE_DAEMON, file, program), () -> isMounted(file, size));
    }

    private static ShownDisk byNbdfuse(WorkDirectory work, String name, NbdServer server) throws IOException {
        requireFuse();
        Path directory = work.directory(name + ".fuse");
        Path file = directory.resolve(name + ".raw");
        Companion program = Companion.start(
                List.of("nbdfuse", "--readonly", file.toString(), "nbd+unix:///" + name + "?socket=" + server.socket()),
                work.resolve(name + "-nbdfuse.log"));
        return ready(new ShownDisk(server, Way.NBDFUSE, file, program), () -> Files.exists(file));
    }

    private static void requireFuse() throws IOException {
        if (!Files.exists(Path.of("/dev/fuse"))) {
            throw new IOException("there is no /dev/fuse");
        }
    }

    /** A device that another program takes at the same moment fails here; then the next one is tried. */
    private static ShownDisk byDevice(WorkDirectory work, String name, NbdServer server) throws IOException {
        List<Path> free = IntStream.range(0, MOST_DEVICES)
                .mapToObj(number -> Path.of("/dev/nbd" + number))
                .filter(ShownDisk::isFree)
                .toList();
        StorageException failure = null;
        for (Path device : free) {
            Companion program = Companion.start(
                    List.of(
                            "qemu-nbd",
                            // It would go into the background otherwise, and hold the device when this process has
                            // ended.
                            "--verbose",
                            "--read-only",
                            "--connect=" + device,
                            "--image-opts",
                            "driver=nbd,export=" + name + ",server.type=unix,server.path="
                                    + StorageDaemon.escaped(server.socket())),
                    work.resolve(name + "-" + device.getFileName() + ".log"));
            try {
                return ready(new ShownDisk(server, Way.DEVICE, device, program), () -> isConnected(device));
            } catch (StorageException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
        throw new IOException("no device /dev/nbdN is free; load the module nbd");
    }

    private static boolean isFree(Path device) {
        return Files.exists(device) && sectors(device) == 0;
    }

    private static boolean isConnected(Path device) {
        return sectors(device) > 0;
    }

    /** As the kernel counts them, 0 for a device that is not connected. */
    private static long sectors(Path device) {
        try {
            return Long.parseLong(Files.readString(Path.of("/sys/block", String.valueOf(device.getFileName()), "size"))
                    .strip());
        } catch (IOException e) {
            return 0;
        }
    }

    /** The daemon makes the file appear over the empty one. */
    private static boolean isMounted(Path file, long size) {
        try {
            return MountTable.below(file).contains(file) && Files.size(file) >= size;
        } catch (IOException e) {
            return false;
        }
    }

    private static ShownDisk ready(ShownDisk shown, BooleanSupplier isReady) {
        try {
            shown.program.awaitReady(isReady, LIMIT);
            return shown;
        } catch (StorageException e) {
            shown.endProgram();
            throw e;
        }
    }

    /** A file or block device, to be read as raw by the user of this process. */
    public Path path() {
        return path;
    }

    private void endProgram() {
        program.close();
        @Nullable
        Path mount = switch (way) {
            case STORAGE_DAEMON -> path;
            case NBDFUSE -> path.getParent();
            case DEVICE -> null;
        };
        if (mount != null) {
            MountPoint.release(mount);
        }
    }

    @Override
    public void close() {
        endProgram();
        server.close();
    }
}

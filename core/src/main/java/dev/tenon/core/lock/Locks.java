package dev.tenon.core.lock;

import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The locks of a machine, which are those of the Perl programs on it: PVE's own on a PVE host, elsewhere those of
 * Tenon's PVE modules, all of them files in one directory. Nothing is made before a lock is held.
 *
 * @param directory on a PVE host {@code /var/lock}, elsewhere the directory of the lock files
 * @param cluster where PVE's cluster file system is, {@code /etc/pve}; null if this is no PVE host
 */
public record Locks(Path directory, @Nullable Path cluster) {
    private static final String PVE_PERMISSIONS = "rwxr-xr-x";
    private static final String OWN_PERMISSIONS = "rwx------";

    /** The locks of this machine, as the environment of this process has it. */
    public static Locks ofHost() {
        return ofHost(System.getenv());
    }

    /**
     * The locks of this machine. It is a PVE host if there is an {@code /etc/pve}; elsewhere the lock files are in
     * {@code TENON_LOCK_DIR}, or if that is not set in {@code /var/lib/tenon/lock}, for an ordinary user in {@code
     * $XDG_RUNTIME_DIR/tenon/lock} or {@code /tmp/tenon-UID/lock}.
     *
     * @throws StorageException {@code BAD_CONFIG} if the directory is no absolute path
     */
    public static Locks ofHost(Map<String, String> environment) {
        Path cluster = Path.of("/etc/pve");
        return Files.isDirectory(cluster)
                ? new Locks(Path.of("/var/lock"), cluster)
                : new Locks(ownDirectory(environment, EffectiveUser.id()), null);
    }

    static Path ownDirectory(Map<String, String> environment, long user) {
        String directory = environment.getOrDefault("TENON_LOCK_DIR", "");
        if (directory.isEmpty()) {
            String runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
            if (user == 0) {
                directory = "/var/lib/tenon/lock";
            } else {
                directory = (runtime.isEmpty() ? "/tmp/tenon-" + user : runtime + "/tenon") + "/lock";
            }
        }
        if (!directory.startsWith("/")) {
            throw StorageException.refused(
                    StorageError.BAD_CONFIG, "the lock directory " + Quoted.of(directory) + " is no absolute path");
        }
        return Path.of(directory);
    }

    /**
     * The lock that PVE holds while it allocates, frees, clones or renames volumes of this storage.
     *
     * <p>For a storage of one node it is re-entrant: a thread that holds it gets it again. For a shared one it is not,
     * and such a call is refused with {@code IN_USE}. On a PVE host the work under a shared one has 60 seconds; then the
     * thread is interrupted and the call fails with {@code DEADLINE_EXCEEDED} and {@code UNKNOWN}.
     *
     * @param isShared whether other nodes use the storage too
     */
    public ExclusiveLock storage(StorageId storage, boolean isShared) {
        if (isShared) {
            return shared("storage-" + storage);
        }
        return cluster == null
                ? file(ownDirectory(), "pve-storage-" + storage)
                : file(pveDirectory("pve-manager"), "pve-storage-" + storage);
    }

    /** The lock on the configuration of all storages, {@code storage.cfg}; as that of a shared storage. */
    public ExclusiveLock storageConfig() {
        return shared("file-storage_cfg");
    }

    /**
     * The lock on a guest's configuration. It is re-entrant. PVE has one for virtual machines and one for containers,
     * and no guest is both, so both are held.
     */
    public ExclusiveLock guest(Vmid guest) {
        if (cluster == null) {
            return file(ownDirectory(), "guest-" + guest);
        }
        ExclusiveLock machine = file(pveDirectory("qemu-server"), "lock-" + guest + ".conf");
        ExclusiveLock container = file(pveDirectory("lxc"), "pve-config-" + guest + ".lock");
        return new ExclusiveLock() {
            @Override
            public <T extends @Nullable Object> T hold(@Nullable Duration timeout, Supplier<T> work) {
                Patience patience = new Patience(timeout);
                return machine.hold(
                        timeout, () -> container.hold(Duration.ofNanos(Math.max(patience.left(), 0)), work));
            }
        };
    }

    /**
     * A lock for changing a file of one's own: the flock(2) on a file beside it, {@code FILE.lock}, which stays. It is
     * re-entrant. The directory must exist.
     */
    public static ExclusiveLock forFile(Path file) {
        Path path = file.toAbsolutePath().normalize();
        Path lock = path.resolveSibling(path.getFileName() + ".lock");
        return new FileLock(lock, null, LockName.ofFile(lock), true);
    }

    private ExclusiveLock shared(String id) {
        if (cluster != null) {
            return new ClusterLock(cluster, id, ClusterLock.WORK_LIMIT);
        }
        Path file = directory.resolve(id);
        return new FileLock(file, ownDirectory(), LockName.ofCluster(id, file), false);
    }

    private static ExclusiveLock file(LockDirectory directory, String name) {
        Path file = directory.path().resolve(name);
        return new FileLock(file, directory, LockName.ofFile(file), true);
    }

    private LockDirectory pveDirectory(String name) {
        return new LockDirectory(directory.resolve(name), PVE_PERMISSIONS);
    }

    private LockDirectory ownDirectory() {
        return new LockDirectory(directory, OWN_PERMISSIONS);
    }
}

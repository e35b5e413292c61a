package dev.tenon.host;

import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a node.
 *
 * @param config the configuration of the storages; null for {@code /etc/pve/storage.cfg} on a PVE host, elsewhere {@code
 *     /etc/tenon/storage.cfg}
 * @param others storage types that others wrote in Java
 * @param plugins files of Perl plugins, each of which answers for its storage type
 * @param adopted the directory of the plugins that were adopted, which answer, too
 * @param socket the control socket of the daemon that is asked for types which nobody here answers for; null to ask nobody
 * @param journal the directory of the journal; null for the usual one of this user
 * @param hosting how the plugins are hosted
 * @param locks the locks of this machine
 */
public record HostSettings(
        @Nullable Path config,
        List<StoragePlugin> others,
        List<Path> plugins,
        Path adopted,
        @Nullable Path socket,
        @Nullable Path journal,
        PluginHosting hosting,
        Locks locks) {
    private static final String FILE = "storage.cfg";
    private static final Path DIRECTORY = Path.of("/etc/tenon");
    private static final Path ELSEWHERE = DIRECTORY.resolve(FILE);
    private static final String JOURNAL = "/var/lib/tenon/journal";
    private static final String JOURNAL_OF_A_USER = ".local/state/tenon/journal";

    public HostSettings {
        others = List.copyOf(others);
        plugins = List.copyOf(plugins);
    }

    /** The file with the configuration. */
    public Path configFile() {
        if (config != null) {
            return config;
        }
        Path cluster = locks.cluster();
        return cluster == null ? ELSEWHERE : cluster.resolve(FILE);
    }

    /** The lock under which the configuration is changed: PVE's own for PVE's file. */
    ExclusiveLock configLock() {
        Path file = configFile().toAbsolutePath().normalize();
        Path cluster = locks.cluster();
        if (cluster != null && file.equals(cluster.resolve(FILE))) {
            return locks.storageConfig();
        }
        ExclusiveLock lock = Locks.forFile(file);
        return file.equals(ELSEWHERE) ? new InNewDirectory(lock, DIRECTORY) : lock;
    }

    /** A lock in a directory that may not be there before anything was configured. */
    private record InNewDirectory(ExclusiveLock lock, Path directory) implements ExclusiveLock {
        @Override
        public <T extends @Nullable Object> T hold(@Nullable Duration timeout, Supplier<T> work) {
            try {
                Files.createDirectories(directory);
            } catch (IOException e) {
                throw StorageException.refused(
                        StorageError.PERMISSION_DENIED,
                        "unable to make the directory '" + directory + "' for the configuration: " + e.getMessage());
            }
            return lock.hold(timeout, work);
        }
    }

    /** The directory with the bitmap ids of backup providers of the draft: beside the journal. */
    Path bitmapDirectory() {
        return journalDirectory().toAbsolutePath().resolveSibling("bitmaps");
    }

    /** The directory with the journal. */
    Path journalDirectory() {
        if (journal != null) {
            return journal;
        }
        return EffectiveUser.id() == 0 ? Path.of(JOURNAL) : Path.of(System.getProperty("user.home"), JOURNAL_OF_A_USER);
    }
}

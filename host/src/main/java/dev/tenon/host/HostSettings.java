package dev.tenon.host;

import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.lock.Locks;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a node is made of.
 *
 * @param config the configuration of the storages; null for {@code /etc/pve/storage.cfg} on a PVE host, elsewhere {@code
 *     /etc/tenon/storage.cfg}
 * @param plugins files of Perl plugins, each of which answers for its storage type
 * @param adopted the directory of the plugins that were adopted, which answer, too
 * @param journal the directory of the journal; null for the usual one of this user
 * @param hosting how the plugins are hosted
 * @param locks the locks of this machine
 */
public record HostSettings(
        @Nullable Path config,
        List<Path> plugins,
        Path adopted,
        @Nullable Path journal,
        PluginHosting hosting,
        Locks locks) {
    private static final String FILE = "storage.cfg";
    private static final Path ELSEWHERE = Path.of("/etc/tenon", FILE);
    private static final String JOURNAL = "/var/lib/tenon/journal";
    private static final String JOURNAL_OF_A_USER = ".local/state/tenon/journal";

    public HostSettings {
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
        return cluster != null && file.equals(cluster.resolve(FILE)) ? locks.storageConfig() : Locks.forFile(file);
    }

    /** The directory with the journal. */
    Path journalDirectory() {
        if (journal != null) {
            return journal;
        }
        return EffectiveUser.id() == 0 ? Path.of(JOURNAL) : Path.of(System.getProperty("user.home"), JOURNAL_OF_A_USER);
    }
}

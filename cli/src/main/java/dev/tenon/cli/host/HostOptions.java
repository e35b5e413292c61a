package dev.tenon.cli.host;

import dev.tenon.cli.Adopted;
import dev.tenon.cli.PluginOptions;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.lock.Locks;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which storages there are; the same for every command that uses some. */
public final class HostOptions {
    private static final String FILE = "storage.cfg";
    private static final Path ELSEWHERE = Path.of("/etc/tenon/storage.cfg");

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "the configuration of the storages (default: /etc/pve/storage.cfg on a PVE host, elsewhere"
                    + " /etc/tenon/storage.cfg)")
    private @Nullable Path config;

    @Option(
            names = "--plugin",
            paramLabel = "FILE",
            description = "a Perl plugin that answers for its storage type; may be repeated")
    private List<Path> plugins = new ArrayList<>();

    @Option(
            names = "--adopted",
            paramLabel = "DIR",
            defaultValue = Adopted.DEFAULT,
            description = "the plugins that are kept there answer, too (default: ${DEFAULT-VALUE})")
    private Path adopted = Path.of(Adopted.DEFAULT);

    @Mixin
    private PluginOptions hosting = new PluginOptions();

    @Mixin
    private JournalOption journal = new JournalOption();

    Path config() {
        if (config != null) {
            return config;
        }
        Path cluster = Locks.ofHost().cluster();
        return cluster == null ? ELSEWHERE : cluster.resolve(FILE);
    }

    /** The lock under which the configuration is changed: PVE's own for PVE's file. */
    ExclusiveLock configLock(Locks locks) {
        Path file = config().toAbsolutePath().normalize();
        Path cluster = locks.cluster();
        return cluster != null && file.equals(cluster.resolve(FILE)) ? locks.storageConfig() : Locks.forFile(file);
    }

    List<Path> plugins() {
        return plugins;
    }

    Adopted adopted() {
        return new Adopted(adopted);
    }

    PluginOptions hosting() {
        return hosting;
    }

    Journal journal() throws IOException {
        return journal.journal();
    }
}

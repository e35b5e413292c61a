package dev.tenon.cli.host;

import dev.tenon.cli.PluginOptions;
import dev.tenon.cli.Surroundings;
import dev.tenon.core.lock.Locks;
import dev.tenon.host.Adopted;
import dev.tenon.host.HostSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which storages there are; the same for every command that uses some. */
public final class HostOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command = CommandSpec.create();

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

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            defaultValue = SocketOption.DEFAULT,
            description = "the daemon that is asked for types that no plugin here provides (default: ${DEFAULT-VALUE})")
    private Path socket = Path.of(SocketOption.DEFAULT);

    @Mixin
    private PluginOptions hosting = new PluginOptions();

    @Mixin
    private JournalOption journal = new JournalOption();

    /** What is wrong with them for a command that reads the configuration, in one sentence. */
    public Optional<String> wrong() {
        return config == null || Files.exists(config)
                ? Optional.empty()
                : Optional.of("there is no configuration '" + config + "' (--config)");
    }

    public HostSettings settings() {
        return new HostSettings(
                config,
                List.of(),
                plugins,
                adopted,
                socket,
                journal.directory(),
                hosting.hosting(),
                Locks.ofHost(Surroundings.of(command).environment()));
    }
}

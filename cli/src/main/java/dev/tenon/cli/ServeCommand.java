package dev.tenon.cli;

import dev.tenon.bridge.serve.Daemon;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.cli.host.JournalOption;
import dev.tenon.core.journal.JournalEntry;
import dev.tenon.core.lock.Locks;
import dev.tenon.host.Adopted;
import dev.tenon.host.Host;
import dev.tenon.host.HostSettings;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The daemon. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        description = "Serves storages written in Java, and Perl plugins in sidecars, to Perl programs.",
        footer = {
            "",
            "Example: tenon serve --socket /run/tenon/control.sock --plugin /usr/share/perl5/PVE/Storage/Custom/NasPlugin.pm"
        })
final class ServeCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            defaultValue = "/run/tenon/control.sock",
            description = "the control socket, mode 0600 (default: ${DEFAULT-VALUE})")
    private Path socket = Path.of("/run/tenon/control.sock");

    @Option(names = "--plugin", paramLabel = "FILE", description = "a Perl plugin to host and serve; may be repeated")
    private List<Path> plugins = new ArrayList<>();

    @Option(
            names = "--adopted",
            paramLabel = "DIR",
            defaultValue = Adopted.DEFAULT,
            description = "also serves the plugins that are kept there (default: ${DEFAULT-VALUE})")
    private Path adopted = Path.of(Adopted.DEFAULT);

    @Mixin
    private JournalOption journal = new JournalOption();

    @Mixin
    private PluginOptions hosting = new PluginOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    /**
     * Opens all there is on the class path. A jar that cannot be opened when a class is first looked for, for a lack of
     * descriptors, would be passed over for good.
     */
    private static void openClassPath() {
        var _ = ServeCommand.class.getClassLoader().getResource("dev/tenon/in-no-jar");
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        openClassPath();
        Path directory = socket.toAbsolutePath().getParent();
        if (directory == null) {
            throw new IllegalArgumentException("the socket path '" + socket + "' has no directory");
        }
        var privately = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
        Files.createDirectories(directory, privately);
        Path runtime = Files.createDirectories(directory.resolve("sidecars"), privately);
        removeDeadSockets(runtime);

        CountDownLatch stopped = new CountDownLatch(1);
        CountDownLatch finished = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopped.countDown();
            try {
                finished.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));

        Adopted kept = new Adopted(adopted);
        if (!kept.plugins().isEmpty()) {
            kept.makeReadable();
        }
        try (Host host = Host.ofDaemon(settings(), runtime)) {
            host.journal().discardUnbegun();
            for (JournalEntry entry : host.journal().interrupted()) {
                LOG.warn("event=interrupted operation=\"{}\" begun={} do=\"run tenon doctor\"", entry, entry.started());
            }
            host.all();
            try (Daemon daemon =
                    Daemon.start(host.sockets(), socket.toAbsolutePath(), ServedPlugins.ofStorages(host.types()))) {
                LOG.info(
                        "event=listening socket={} plugins={}",
                        daemon.socket(),
                        host.types().keySet());
                stopped.await();
                LOG.info("event=stopping");
            }
        } finally {
            finished.countDown();
        }
        return 0;
    }

    private HostSettings settings() {
        return new HostSettings(
                null,
                plugins,
                adopted,
                null,
                journal.directory(),
                hosting.hosting(),
                Locks.ofHost(Surroundings.of(spec).environment()));
    }

    /** A daemon that was killed leaves its sockets. */
    private static void removeDeadSockets(Path runtime) throws IOException {
        try (DirectoryStream<Path> sockets = Files.newDirectoryStream(runtime, "*.sock")) {
            for (Path dead : sockets) {
                if (!UnixSockets.isAnswered(dead)) {
                    Files.deleteIfExists(dead);
                }
            }
        }
    }
}

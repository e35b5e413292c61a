package dev.tenon.cli;

import dev.tenon.bridge.serve.Daemon;
import dev.tenon.bridge.serve.Predecessor;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.bridge.transport.ListeningSocket;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.cli.compare.Recorders;
import dev.tenon.cli.compare.Shadows;
import dev.tenon.cli.host.JournalOption;
import dev.tenon.cli.host.SocketOption;
import dev.tenon.core.compare.Rules;
import dev.tenon.core.journal.JournalEntry;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.host.Adopted;
import dev.tenon.host.Host;
import dev.tenon.host.HostSettings;
import dev.tenon.host.JavaStorages;
import dev.tenon.host.ServiceManager;
import dev.tenon.web.Observation;
import dev.tenon.web.WebSettings;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
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

    /** Of a plugin, with the number of its daemon. */
    private static final Pattern SOCKET = Pattern.compile("[sd]([0-9]{1,10})-[0-9]+\\.sock");

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            defaultValue = SocketOption.DEFAULT,
            description = "the control socket, mode 0600 (default: ${DEFAULT-VALUE})")
    private Path socket = Path.of(SocketOption.DEFAULT);

    @Option(names = "--plugin", paramLabel = "FILE", description = "a Perl plugin to host and serve; may be repeated")
    private List<Path> plugins = new ArrayList<>();

    @Option(
            names = "--classpath",
            paramLabel = "PATH",
            defaultValue = "",
            description =
                    "jars and directories, with ':' between them, that have storage types written in Java; DIR/* is"
                            + " all jars of a directory")
    private String classPath = "";

    @Option(
            names = "--adopted",
            paramLabel = "DIR",
            defaultValue = Adopted.DEFAULT,
            description = "also serves the plugins that are kept there (default: ${DEFAULT-VALUE})")
    private Path adopted = Path.of(Adopted.DEFAULT);

    @Option(
            names = "--take-over",
            description =
                    "take over from the daemon that listens there, if one does: it hands over the socket, finishes"
                            + " the calls and transfers that it has begun, and ends")
    private boolean takesOver;

    @Option(
            names = "--drain-limit",
            paramLabel = "SECONDS",
            defaultValue = "86400",
            description = "how long this daemon goes on with what it has begun when another one takes over (default:"
                    + " ${DEFAULT-VALUE}, a day)")
    private long drainLimit = TimeUnit.DAYS.toSeconds(1);

    @Option(
            names = "--shadow",
            paramLabel = "TYPE=P",
            description = "also asks plugin P, the file of a Perl plugin or a storage type, what is read of storages of"
                    + " this type, and compares the answers; may be repeated")
    private Map<String, String> shadowed = new TreeMap<>();

    @Option(
            names = "--shadow-report",
            paramLabel = "DIR",
            defaultValue = "/var/lib/tenon/shadow",
            description = "where the reports on that are written at the end, a directory for each type (default:"
                    + " ${DEFAULT-VALUE})")
    private Path shadowReports = Path.of("/var/lib/tenon/shadow");

    @Option(
            names = "--shadow-rules",
            paramLabel = "FILE",
            description = "differences that are taken, each with its reason (JSON; see docs/MIGRATION.md)")
    private @Nullable Path shadowRules;

    @Option(
            names = "--routes",
            paramLabel = "DIR",
            defaultValue = "/var/lib/tenon/routes",
            description = "where is kept which calls the plugins of --shadow make, see tenon route (default:"
                    + " ${DEFAULT-VALUE})")
    private Path routes = Path.of("/var/lib/tenon/routes");

    @Option(
            names = "--recordings",
            paramLabel = "DIR",
            description = "where tenon record writes down calls and their answers; nothing can be recorded without it")
    private @Nullable Path recordings;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "the configuration of the storages that --web shows (default: /etc/pve/storage.cfg on a PVE host,"
                            + " elsewhere /etc/tenon/storage.cfg)")
    private @Nullable Path config;

    @Mixin
    private WebOptions web = new WebOptions();

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
        Map<String, String> environment = Surroundings.of(spec).environment();
        // This comes before any file is opened, whose number might be that of a socket that is handed over.
        Optional<ListeningSocket> inherited = ListeningSocket.inherited(socket.toAbsolutePath(), environment);
        // What it cannot start with is reported before anything is made.
        HostSettings settings = settings();
        web.check(socket);
        Path directory = socket.toAbsolutePath().getParent();
        if (directory == null) {
            throw new IllegalArgumentException("the socket path '" + socket + "' has no directory");
        }
        Adopted kept = new Adopted(adopted);
        if (!kept.plugins().isEmpty()) {
            kept.makeReadable();
        }
        var privately = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
        Files.createDirectories(directory, privately);
        Path runtime = Files.createDirectories(directory.resolve("sidecars"), privately);
        removeDeadSockets(runtime);
        Optional<WebSettings> page = web.settings(directory, shadowReports);

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

        // Whoever ends this process waits for what ends with it, so nothing may fail in between.
        try (Host host = Host.ofDaemon(settings, runtime)) {
            host.journal().discardUnbegun();
            for (JournalEntry entry : host.journal().interrupted()) {
                LOG.warn("event=interrupted operation=\"{}\" begun={} do=\"run tenon doctor\"", entry, entry.started());
            }
            host.all();
            Rules rules = shadowRules == null ? Rules.NONE : Rules.read(shadowRules);
            Shadows shadows = Shadows.of(host, shadowed, rules, new Shadows.Places(shadowReports, routes));
            Recorders recorders = new Recorders(shadows.types(), recordings);
            Observation observation = new Observation();
            Map<String, StoragePlugin> types = page.isPresent() ? observation.of(recorders.types()) : recorders.types();
            // Whoever started this process; after that whoever the other daemon was started by.
            ServiceManager starter = ServiceManager.of(environment);
            Predecessor before = takesOver && inherited.isEmpty()
                    ? Predecessor.at(host.sockets(), socket.toAbsolutePath()).orElse(null)
                    : null;
            ServiceManager manager = before == null ? starter : new ServiceManager(before.manager());
            ListeningSocket listening = before != null
                    ? before.socket()
                    : inherited.isPresent() ? inherited.get() : ListeningSocket.make(socket.toAbsolutePath());
            ServedPage served = new ServedPage();
            Daemon.Following following = new Daemon.Following(
                    manager.socket(),
                    successor -> {
                        served.close();
                        manager.mainProcess(successor);
                    },
                    stopped::countDown,
                    Duration.ofSeconds(drainLimit));
            Map<String, ServedPlugins.Request> requests = new TreeMap<>(shadows.requests());
            requests.putAll(recorders.requests());
            try (shadows;
                    recorders;
                    served;
                    Daemon daemon = Daemon.start(
                            host.sockets(),
                            listening,
                            ServedPlugins.ofStorages(types, requests),
                            host::overview,
                            new AskedCommands(shadows.types().keySet()),
                            following,
                            before)) {
                page.ifPresent(
                        shown -> served.open(shown, host, observation, daemon, shadows::seen, Surroundings.of(spec)));
                LOG.info(
                        "event=listening socket={} plugins={}",
                        daemon.socket(),
                        shadows.types().keySet());
                starter.ready();
                stopped.await();
                if (!daemon.isTakenOver()) {
                    manager.stopping();
                }
                LOG.info("event=stopping");
            }
        } finally {
            finished.countDown();
        }
        return 0;
    }

    private HostSettings settings() throws IOException {
        return new HostSettings(
                config,
                JavaStorages.on(classPath),
                plugins,
                adopted,
                null,
                journal.directory(),
                hosting.hosting(),
                Locks.ofHost(Surroundings.of(spec).environment()));
    }

    /**
     * A daemon that was killed leaves its sockets, which have its number in their names. Those of one that runs are not
     * probed.
     */
    private static void removeDeadSockets(Path runtime) throws IOException {
        try (DirectoryStream<Path> sockets = Files.newDirectoryStream(runtime, "*.sock")) {
            for (Path dead : sockets) {
                Matcher name = SOCKET.matcher(String.valueOf(dead.getFileName()));
                boolean isInUse = name.matches()
                        && ProcessHandle.of(Long.parseLong(name.group(1))).isPresent();
                if (!isInUse && !UnixSockets.isAnswered(dead)) {
                    Files.deleteIfExists(dead);
                }
            }
        }
    }
}

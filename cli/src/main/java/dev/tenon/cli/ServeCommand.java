package dev.tenon.cli;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.serve.Daemon;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.cli.host.JournalOption;
import dev.tenon.core.NativeTypes;
import dev.tenon.core.decorator.CircuitBreaker;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.decorator.StatusCache;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.journal.JournalEntry;
import dev.tenon.core.journal.Journalled;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

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
    private static final int SILENCES = 3;
    private static final Duration PAUSE = Duration.ofSeconds(5);

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
            description = "serves the plugins that are kept there, too (default: ${DEFAULT-VALUE})")
    private Path adopted = Path.of(Adopted.DEFAULT);

    @Mixin
    private JournalOption journalOption = new JournalOption();

    @Mixin
    private PluginOptions options = new PluginOptions();

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path directory = socket.toAbsolutePath().getParent();
        if (directory == null) {
            throw new IllegalArgumentException("the socket path '" + socket + "' has no directory");
        }
        var privately = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
        Files.createDirectories(directory, privately);
        Path runtime = Files.createDirectories(directory.resolve("sidecars"), privately);
        removeDeadSockets(runtime);

        Journal journal = journalOption.journal();
        journal.discardUnbegun();
        for (JournalEntry entry : journal.interrupted()) {
            LOG.warn("event=interrupted operation=\"{}\" begun={} do=\"run tenon doctor\"", entry, entry.started());
        }

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

        List<PerlStoragePlugin> hosted = new ArrayList<>();
        try (UnixSockets sockets = new UnixSockets()) {
            try {
                Map<String, StoragePlugin> served = new TreeMap<>();
                NativeTypes.all()
                        .forEach((type, plugin) ->
                                served.put(type, Decorator.decorate(plugin, new Journalled(journal, plugin))));
                for (Path plugin : plugins) {
                    host(
                            plugin,
                            PerlStoragePlugin.start(sockets, options.settings(plugin, runtime)),
                            journal,
                            served,
                            hosted);
                }
                for (Path plugin : new Adopted(adopted).plugins()) {
                    try {
                        host(
                                plugin,
                                PerlStoragePlugin.start(sockets, options.settings(plugin, runtime)),
                                journal,
                                served,
                                hosted);
                    } catch (StorageException e) {
                        // One that is broken must not take the others with it.
                        LOG.error("event=adopted-not-served file={} reason=\"{}\"", plugin, e.getMessage());
                    }
                }
                try (Daemon daemon = Daemon.start(sockets, socket.toAbsolutePath(), ServedPlugins.ofStorages(served))) {
                    LOG.info("event=listening socket={} plugins={}", daemon.socket(), served.keySet());
                    stopped.await();
                    LOG.info("event=stopping");
                }
            } finally {
                hosted.forEach(PerlStoragePlugin::close);
            }
        } finally {
            removeIfEmpty(runtime);
            finished.countDown();
        }
        return 0;
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

    private static void removeIfEmpty(Path runtime) throws IOException {
        try {
            Files.deleteIfExists(runtime);
        } catch (DirectoryNotEmptyException e) {
            LOG.debug("event=directory-shared path={}", runtime);
        }
    }

    /** A status daemon that asks a storage which does not answer must not wait for it, nor must anybody twice. */
    private static void host(
            Path file,
            PerlStoragePlugin perl,
            Journal journal,
            Map<String, StoragePlugin> served,
            List<PerlStoragePlugin> hosted) {
        hosted.add(perl);
        StoragePlugin decorated = Decorator.decorate(
                perl,
                new StatusCache(StatusCache.Settings.USUAL),
                new CircuitBreaker(SILENCES, PAUSE),
                new Journalled(journal, perl));
        if (served.putIfAbsent(perl.type(), decorated) != null) {
            throw new IllegalArgumentException(
                    "the plugin '" + file + "' is of type '" + perl.type() + "', which is served already");
        }
    }
}

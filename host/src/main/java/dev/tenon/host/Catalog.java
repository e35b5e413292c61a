package dev.tenon.host;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.NativeTypes;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who answers for which storage type: those in Java, and those in Perl, hosted or adopted. A plugin in Perl gets its process
 * when {@link #more} starts it.
 */
final class Catalog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Catalog.class);

    /** A plugin that may answer for a type. */
    private sealed interface Candidate {
        record Given(Path file) implements Candidate {}

        record Kept(Path file) implements Candidate {}

        record Served(String type) implements Candidate {}
    }

    private final Lifetime lifetime;
    private final PluginHosting hosting;
    private final Journal journal;
    private final ServedTypes served;
    private final List<Path> written = new ArrayList<>();
    private boolean isDaemonAsked;
    private final Map<String, StoragePlugin> known = new TreeMap<>();
    private final Deque<Candidate> candidates = new ArrayDeque<>();
    private final List<PerlStoragePlugin> hosted = new ArrayList<>();
    private @Nullable UnixSockets sockets;
    private @Nullable Path runtime;

    /**
     * Knows those in Java at once.
     *
     * @param runtime where the sockets of plugins go; null for a directory that is made when the first is started
     */
    Catalog(HostSettings settings, Lifetime lifetime, Journal journal, @Nullable Path runtime) throws IOException {
        this.lifetime = lifetime;
        this.hosting = settings.hosting();
        this.journal = journal;
        this.runtime = runtime;
        this.served = new ServedTypes(settings.socket());
        NativeTypes.all().forEach((type, plugin) -> {
            known.put(type, lifetime.decorate(plugin, journal));
            known.put(ProxiedTypes.usual(type), lifetime.decorate(named(ProxiedTypes.usual(type), plugin), journal));
        });
        new ProxiedTypes(settings.adopted()).chosen().forEach((name, type) -> {
            StoragePlugin plugin = NativeTypes.all().get(type);
            if (plugin != null) {
                known.putIfAbsent(name, lifetime.decorate(named(name, plugin), journal));
            }
        });
        settings.plugins().forEach(file -> candidates.add(new Candidate.Given(file)));
        new Adopted(settings.adopted()).plugins().forEach(file -> candidates.add(new Candidate.Kept(file)));
    }

    /** A type by the name that PVE knows it by. */
    private static StoragePlugin named(String name, StoragePlugin plugin) {
        return Decorator.decorate(plugin, (call, next) -> call.operation().equals("type") ? name : next.get());
    }

    /** The types that are answered for by now; more of them after {@link #more}. */
    Map<String, StoragePlugin> known() {
        return Collections.unmodifiableMap(known);
    }

    /** What the plugins are spoken to with. */
    UnixSockets sockets() {
        if (sockets == null) {
            sockets = new UnixSockets();
        }
        return sockets;
    }

    /** Starts one more plugin. False if there is none left. */
    boolean more() throws IOException {
        Candidate candidate = candidates.poll();
        if (candidate == null && !isDaemonAsked) {
            isDaemonAsked = true;
            served.names().stream()
                    .filter(type -> !known.containsKey(type))
                    .forEach(type -> candidates.add(new Candidate.Served(type)));
            candidate = candidates.poll();
        }
        if (candidate == null) {
            return false;
        }
        switch (candidate) {
            case Candidate.Given(Path file) -> start(file);
            case Candidate.Kept(Path file) -> startOrTell(file, "adopted-not-served file=" + file);
            case Candidate.Served(String type) -> {
                Path file = served.writeClass(type, runtime());
                written.add(file);
                startOrTell(file, "served-elsewhere-not-found type=" + type);
            }
        }
        return true;
    }

    /** One that is broken must not take the others with it. */
    private void startOrTell(Path file, String event) throws IOException {
        try {
            start(file);
        } catch (StorageException | IllegalArgumentException e) {
            LOG.error("event={} reason=\"{}\"", event, e.getMessage());
        }
    }

    private Path runtime() throws IOException {
        if (runtime == null) {
            runtime = Files.createTempDirectory("tenon-");
        }
        return runtime;
    }

    private void start(Path file) throws IOException {
        PerlStoragePlugin plugin = PerlStoragePlugin.start(sockets(), hosting.settings(file, runtime()));
        if (known.containsKey(plugin.type())) {
            plugin.close();
            throw new IllegalArgumentException(
                    "the plugin '" + file + "' is of type '" + plugin.type() + "', which is answered for already");
        }
        hosted.add(plugin);
        known.put(plugin.type(), lifetime.decorate(plugin, journal));
    }

    /** Ends the processes of the plugins. */
    @Override
    public void close() throws IOException {
        hosted.forEach(PerlStoragePlugin::close);
        if (sockets != null) {
            sockets.close();
        }
        for (Path file : written) {
            Files.deleteIfExists(file);
        }
        if (runtime != null) {
            removeIfEmpty(runtime);
        }
    }

    private static void removeIfEmpty(Path runtime) throws IOException {
        try {
            Files.deleteIfExists(runtime);
        } catch (DirectoryNotEmptyException e) {
            LOG.debug("event=directory-shared path={}", runtime);
        }
    }
}

package dev.tenon.host;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.serve.Overview;
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
import java.util.Set;
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

    /** The start of a plugin, which may fail. */
    @FunctionalInterface
    private interface Start {
        void run() throws IOException;
    }

    private final Lifetime lifetime;
    private final PluginHosting hosting;
    private final Path bitmaps;
    private final Journal journal;
    private final Adopted adopted;
    private final ServedTypes served;
    private final @Nullable Set<String> servedHere;
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
     * @param servedHere what the daemon serves that is this process, for a catalog that starts no plugin; null for one that does
     */
    Catalog(
            HostSettings settings,
            Lifetime lifetime,
            Journal journal,
            @Nullable Path runtime,
            @Nullable Set<String> servedHere)
            throws IOException {
        this.lifetime = lifetime;
        this.hosting = settings.hosting();
        this.bitmaps = settings.bitmapDirectory();
        this.journal = journal;
        this.adopted = new Adopted(settings.adopted());
        this.runtime = runtime;
        this.served = new ServedTypes(settings.socket());
        this.servedHere = servedHere;
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
        settings.others().forEach(plugin -> known.put(plugin.type(), lifetime.decorate(plugin, journal)));
        settings.plugins().forEach(file -> candidates.add(new Candidate.Given(file)));
        for (Path file : adopted.plugins()) {
            candidates.add(new Candidate.Kept(file));
            adopted.typeOf(file).ifPresent(this::setAside);
        }
    }

    /** Whoever adopts a plugin chooses what answers for its type, and must not get answers of another. */
    private void setAside(String type) {
        if (known.remove(type) != null) {
            LOG.info("event=adopted-instead-of-own type={}", type);
        }
    }

    /** A type by the name that PVE knows it by. */
    private static StoragePlugin named(String name, StoragePlugin plugin) {
        return Decorator.decorate(plugin, (call, next) -> call.operation().equals("type") ? name : next.get());
    }

    /** The types that have an answering plugin by now; {@link #more} adds to them. */
    Map<String, StoragePlugin> known() {
        return Collections.unmodifiableMap(known);
    }

    /** What the processes of the plugins in Perl that have been started are doing. */
    List<Overview.Plugin> overview() {
        return hosted.stream().map(PerlStoragePlugin::overview).toList();
    }

    /** The connections to the plugins. */
    UnixSockets sockets() {
        if (sockets == null) {
            sockets = new UnixSockets();
        }
        return sockets;
    }

    /** Starts one more plugin. False if there is none left. */
    boolean more() throws IOException {
        if (servedHere != null) {
            if (candidates.isEmpty() && known.keySet().containsAll(servedHere)) {
                return false;
            }
            throw new PluginNeededException("a plugin would have to be started");
        }
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
            case Candidate.Given(Path file) -> start(file, hosting.members());
            case Candidate.Kept(Path file) ->
                startOrTell(
                        "adopted-not-served file=" + file,
                        () -> start(file, adopted.limit(file).orElse(hosting.members())));
            case Candidate.Served(String type) -> {
                Path file = served.writeClass(type, runtime());
                written.add(file);
                startOrTell("served-elsewhere-not-found type=" + type, () -> start(file, hosting.members()));
            }
        }
        return true;
    }

    /** A broken plugin must not keep the others from starting. */
    private static void startOrTell(String event, Start start) throws IOException {
        try {
            start.run();
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

    /** A plugin in a process of its own, beside whoever answers for its type; it answers for it if nobody else does. */
    StoragePlugin beside(Path file) throws IOException {
        PerlStoragePlugin plugin = PerlStoragePlugin.start(
                sockets(), hosting.settings(file, runtime()).withBitmaps(bitmaps));
        hosted.add(plugin);
        known.putIfAbsent(plugin.type(), lifetime.decorate(plugin, journal));
        return plugin;
    }

    /** With what stands around those that answer for a type, if it does not already. */
    StoragePlugin inEarnest(StoragePlugin plugin) {
        return plugin instanceof PerlStoragePlugin perl ? lifetime.decorate(perl, journal) : plugin;
    }

    private void start(Path file, int members) throws IOException {
        PerlStoragePlugin plugin = PerlStoragePlugin.start(
                sockets(),
                hosting.settings(file, runtime()).withMembers(members).withBitmaps(bitmaps));
        if (known.containsKey(plugin.type())) {
            plugin.close();
            throw new IllegalArgumentException(
                    "the plugin '" + file + "' is of type '" + plugin.type() + "', which is answered for already");
        }
        hosted.add(plugin);
        known.put(plugin.type(), lifetime.decorate(plugin, journal));
    }

    /** Ends the processes of the plugins, all at once: each may take its time to log out. */
    @Override
    public void close() throws IOException {
        List<Thread> ends = hosted.stream()
                .map(plugin ->
                        Thread.ofPlatform().name("close-" + plugin.type()).start(plugin::close))
                .toList();
        for (Thread end : ends) {
            awaitEnd(end);
        }
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

    private static void awaitEnd(Thread end) {
        boolean wasInterrupted = false;
        while (end.isAlive()) {
            try {
                end.join();
            } catch (InterruptedException e) {
                wasInterrupted = true;
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
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

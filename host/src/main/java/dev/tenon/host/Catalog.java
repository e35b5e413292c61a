package dev.tenon.host;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.NativeTypes;
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

    private record Candidate(Path file, boolean isAdopted) {}

    private final Lifetime lifetime;
    private final PluginHosting hosting;
    private final Journal journal;
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
        NativeTypes.all().forEach((type, plugin) -> known.put(type, lifetime.decorate(plugin, journal)));
        settings.plugins().forEach(file -> candidates.add(new Candidate(file, false)));
        new Adopted(settings.adopted()).plugins().forEach(file -> candidates.add(new Candidate(file, true)));
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
        if (candidate == null) {
            return false;
        }
        if (!candidate.isAdopted()) {
            start(candidate.file());
            return true;
        }
        try {
            start(candidate.file());
        } catch (StorageException e) {
            // One that is broken must not take the others with it.
            LOG.error("event=adopted-not-served file={} reason=\"{}\"", candidate.file(), e.getMessage());
        }
        return true;
    }

    private void start(Path file) throws IOException {
        if (runtime == null) {
            runtime = Files.createTempDirectory("tenon-");
        }
        PerlStoragePlugin plugin = PerlStoragePlugin.start(sockets(), hosting.settings(file, runtime));
        hosted.add(plugin);
        if (known.putIfAbsent(plugin.type(), lifetime.decorate(plugin, journal)) != null) {
            throw new IllegalArgumentException(
                    "the plugin '" + file + "' is of type '" + plugin.type() + "', which is answered for already");
        }
    }

    /** Ends the processes of the plugins. */
    @Override
    public void close() throws IOException {
        hosted.forEach(PerlStoragePlugin::close);
        if (sockets != null) {
            sockets.close();
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

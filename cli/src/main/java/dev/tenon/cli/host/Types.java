package dev.tenon.cli.host;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.NativeTypes;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.journal.Journalled;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who answers for which storage type. A Perl plugin gets its process when nobody who is here already answers. */
final class Types implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Types.class);

    private record Candidate(Path file, boolean isAdopted) {}

    private final HostOptions options;
    private final Journal journal;
    private final Map<String, StoragePlugin> known = new TreeMap<>();
    private final Deque<Candidate> candidates = new ArrayDeque<>();
    private final List<PerlStoragePlugin> hosted = new ArrayList<>();
    private @Nullable UnixSockets sockets;
    private @Nullable Path runtime;

    Types(HostOptions options) throws IOException {
        this.options = options;
        this.journal = options.journal();
        NativeTypes.all().forEach((type, plugin) -> known.put(type, journalled(plugin)));
        options.plugins().forEach(file -> candidates.add(new Candidate(file, false)));
        options.adopted().plugins().forEach(file -> candidates.add(new Candidate(file, true)));
    }

    private StoragePlugin journalled(StoragePlugin plugin) {
        return Decorator.decorate(plugin, new Journalled(journal, plugin));
    }

    /** The types that are answered for by now. */
    Map<String, StoragePlugin> known() {
        return known;
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
            LOG.error("the adopted plugin '{}' does not answer: {}", candidate.file(), e.getMessage());
        }
        return true;
    }

    private void start(Path file) throws IOException {
        if (sockets == null) {
            sockets = new UnixSockets();
        }
        if (runtime == null) {
            runtime = Files.createTempDirectory("tenon-");
        }
        PerlStoragePlugin plugin =
                PerlStoragePlugin.start(sockets, options.hosting().settings(file, runtime));
        hosted.add(plugin);
        if (known.putIfAbsent(plugin.type(), journalled(plugin)) != null) {
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
            Files.deleteIfExists(runtime);
        }
    }
}

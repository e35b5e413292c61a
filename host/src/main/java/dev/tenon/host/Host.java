package dev.tenon.host;

import dev.tenon.bridge.serve.Overview;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.config.ConfigStore;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.service.Permissions;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A node: its storages, and who answers for them. Processes of Perl plugins are started when they are needed. */
public final class Host implements AutoCloseable {
    private static final Path NODE = Path.of("/proc/sys/kernel/hostname");

    private static final String DATACENTER = "datacenter.cfg";
    private static final String BANDWIDTH = "bwlimit:";
    private static final Pattern PATH = Pattern.compile("\\s+(?:path|mountpoint)\\s+(/.*?)\\s*");

    private final HostSettings settings;
    private final Journal journal;
    private final Catalog catalog;
    private final String node;
    private final boolean isReading;
    private ConfigStore store;
    private StorageService service;

    private Host(
            HostSettings settings,
            Lifetime lifetime,
            boolean isReading,
            @Nullable Path runtime,
            @Nullable Set<String> served)
            throws IOException {
        this.settings = settings;
        this.isReading = isReading;
        this.journal = new Journal(settings.journalDirectory());
        this.catalog = new Catalog(settings, lifetime, journal, runtime, served);
        this.node = node();
        this.store = newStore();
        this.service = newService();
    }

    /** For one command. A plugin is started when a storage of its type is named, and ends with the host. */
    public static Host ofCommand(HostSettings settings) throws IOException {
        return new Host(settings, Lifetime.COMMAND, false, null, null);
    }

    /** The same for a command that changes nothing, so that storages make no directories. */
    public static Host ofReadingCommand(HostSettings settings) throws IOException {
        return new Host(settings, Lifetime.COMMAND, true, null, null);
    }

    /**
     * The same for one that the daemon runs for another process. It starts no plugin, which would be this process's and not
     * that one's; where one is needed it throws a {@link PluginNeededException}.
     *
     * @param served the types that the daemon serves
     */
    public static Host ofReadingCommandInDaemon(HostSettings settings, Set<String> served) throws IOException {
        return new Host(settings, Lifetime.COMMAND, true, null, served);
    }

    /**
     * For a daemon, whose storages are used by others.
     *
     * @param runtime where the sockets of plugins go, a directory of mode 0700, which goes away with the host
     */
    public static Host ofDaemon(HostSettings settings, Path runtime) throws IOException {
        return new Host(settings, Lifetime.DAEMON, false, runtime, null);
    }

    private static String node() throws IOException {
        String name = Files.readString(NODE).strip();
        int dot = name.indexOf('.');
        return dot < 0 ? name : name.substring(0, dot);
    }

    private ConfigStore newStore() {
        return new ConfigStore(settings.configFile(), catalog.known(), settings.configLock());
    }

    private StorageService newService() {
        // Work that a removal leaves for later is done before the command ends.
        StorageService made = new StorageService(
                store::current, catalog.known(), node, settings.locks(), Runnable::run, Permissions.ALL);
        return isReading ? made.reading() : made;
    }

    private boolean more() throws IOException {
        if (!catalog.more()) {
            return false;
        }
        store = newStore();
        service = newService();
        return true;
    }

    /** The configuration, as far as the types of its storages are answered for. */
    public ConfigStore configuration() {
        return store;
    }

    /**
     * The directories that the configuration gives to storages, also to those whose types nobody answers for. No plugin is
     * started for it.
     *
     * @throws IOException if the file is there and cannot be read
     */
    public List<Path> configuredPaths() throws IOException {
        if (!Files.exists(settings.configFile())) {
            return List.of();
        }
        try (Stream<String> lines = Files.lines(settings.configFile())) {
            return lines.map(PATH::matcher)
                    .filter(Matcher::matches)
                    .map(line -> Path.of(line.group(1)))
                    .toList();
        } catch (UncheckedIOException e) {
            throw new IOException("'" + settings.configFile() + "' cannot be read: " + e.getMessage(), e);
        }
    }

    /** What of the configuration is left out, each in one sentence. */
    public List<String> problems() {
        return store.current().problems().stream()
                .map(problem -> settings.configFile() + " " + problem)
                .toList();
    }

    /** What is being changed on this node, and what was interrupted. */
    public Journal journal() {
        return journal;
    }

    public Locks locks() {
        return settings.locks();
    }

    /** The {@code bwlimit} of the whole data centre, which only a PVE host has. */
    public @Nullable String datacenterBandwidth() throws IOException {
        Path cluster = settings.locks().cluster();
        if (cluster == null || !Files.exists(cluster.resolve(DATACENTER))) {
            return null;
        }
        try (Stream<String> lines = Files.lines(cluster.resolve(DATACENTER), StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> line.startsWith(BANDWIDTH))
                    .map(line -> line.substring(BANDWIDTH.length()).strip())
                    .findFirst()
                    .orElse(null);
        }
    }

    /** The service, with everybody who answers for a type. */
    public StorageService all() throws IOException {
        while (more()) {
            // until no plugin is left to start
        }
        return service;
    }

    /** The service, with those who answer for these storages. */
    public StorageService of(StorageId... storages) throws IOException {
        for (StorageId storage : storages) {
            while (!isAnswered(storage) && more()) {
                // until somebody answers
            }
        }
        return service;
    }

    /** A storage that does not exist gets an answer too: that it does not exist. */
    private boolean isAnswered(StorageId storage) {
        try {
            store.current().get(storage);
            return true;
        } catch (StorageException e) {
            return e.error() != StorageError.NOT_SUPPORTED;
        }
    }

    /** Who answers for a storage type, null if nobody does. */
    public @Nullable StoragePlugin type(String type) throws IOException {
        while (!catalog.known().containsKey(type) && more()) {
            // until somebody answers
        }
        return catalog.known().get(type);
    }

    /**
     * A plugin by the name that people give: the file of one in Perl, which gets processes of its own, or the type of
     * one that is answered for.
     *
     * @param name a file if it has a slash or ends with {@code .pm}
     * @throws IOException if there is no such file or type, or the file cannot be hosted; the message says which
     */
    public StoragePlugin plugin(String name) throws IOException {
        if (name.contains("/") || name.endsWith(".pm")) {
            StoragePlugin plugin = catalog.beside(Path.of(name));
            store = newStore();
            service = newService();
            return plugin;
        }
        StoragePlugin plugin = type(name);
        if (plugin == null) {
            throw new IOException("there is no storage type '" + name + "', and it is no file of a plugin (one has a"
                    + " slash or ends with .pm); there are "
                    + String.join(", ", catalog.known().keySet()));
        }
        return plugin;
    }

    /** The same plugin as callers are to have it: what it changes is in the journal, and one that is silent is left alone. */
    public StoragePlugin inEarnest(StoragePlugin plugin) {
        return catalog.inEarnest(plugin);
    }

    /** The connections to the plugins. */
    public UnixSockets sockets() {
        return catalog.sockets();
    }

    /** What the processes of the plugins in Perl that have been started are doing. */
    public List<Overview.Plugin> overview() {
        return catalog.overview();
    }

    /** The types that have an answering plugin by now, with their decorators. */
    public Map<String, StoragePlugin> types() {
        return catalog.known();
    }

    @Override
    public void close() throws IOException {
        catalog.close();
    }
}

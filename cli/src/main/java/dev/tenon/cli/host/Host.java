package dev.tenon.cli.host;

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
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The storages of one command. The processes of Perl plugins are started when a storage of their type is named. */
public final class Host implements AutoCloseable {
    private static final Path NODE = Path.of("/proc/sys/kernel/hostname");

    private static final String DATACENTER = "datacenter.cfg";
    private static final String BANDWIDTH = "bwlimit:";

    private final HostOptions options;
    private final Types types;
    private final Locks locks;
    private final String node;
    private ConfigStore store;
    private StorageService service;

    public Host(HostOptions options) throws IOException {
        this.options = options;
        this.types = new Types(options);
        this.locks = Locks.ofHost();
        this.node = node();
        this.store = newStore();
        this.service = newService();
    }

    private static String node() throws IOException {
        String name = Files.readString(NODE).strip();
        int dot = name.indexOf('.');
        return dot < 0 ? name : name.substring(0, dot);
    }

    private ConfigStore newStore() {
        return new ConfigStore(options.config(), types.known(), options.configLock(locks));
    }

    private StorageService newService() {
        // What a removal leaves for later is done before the command ends.
        return new StorageService(store::current, types.known(), node, locks, Runnable::run, Permissions.ALL);
    }

    private boolean more() throws IOException {
        if (!types.more()) {
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

    /** Tells what of the configuration is left out, each in one sentence. */
    public void tellProblems(PrintWriter err) {
        store.current().problems().forEach(problem -> err.println("tenon: " + options.config() + " " + problem));
    }

    /** What is being changed on this node, and what was interrupted. */
    public Journal journal() throws IOException {
        return options.journal();
    }

    public Locks locks() {
        return locks;
    }

    /** The {@code bwlimit} of the whole data centre, which only a PVE host has. */
    public @Nullable String datacenterBandwidth() throws IOException {
        Path cluster = locks.cluster();
        if (cluster == null || !Files.exists(cluster.resolve(DATACENTER))) {
            return null;
        }
        try (Stream<String> lines = Files.lines(cluster.resolve(DATACENTER))) {
            return lines.filter(line -> line.startsWith(BANDWIDTH))
                    .map(line -> line.substring(BANDWIDTH.length()).strip())
                    .findFirst()
                    .orElse(null);
        }
    }

    /** The service, with everybody who answers for a type. */
    public StorageService all() throws IOException {
        while (more()) {
            // until nobody is left
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

    /** A storage that does not exist is answered, too: the answer is that it does not. */
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
        while (!types.known().containsKey(type) && more()) {
            // until somebody answers
        }
        return types.known().get(type);
    }

    /** The types that are answered for by now. */
    public Map<String, StoragePlugin> types() {
        return types.known();
    }

    @Override
    public void close() throws IOException {
        types.close();
    }
}

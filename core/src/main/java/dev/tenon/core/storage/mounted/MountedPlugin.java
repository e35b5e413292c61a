package dev.tenon.core.storage.mounted;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A storage that is a directory of another machine, which is mounted when it is activated. */
public abstract class MountedPlugin extends FilePlugin {
    /** A storage whose configuration has no path is mounted here, under its id. */
    public static final String DEFAULT_PARENT = "/mnt/pve/";

    /** How many mounts of a storage on one directory are unmounted. */
    private static final int MOST_STACKED = 16;

    private static final Logger LOG = LoggerFactory.getLogger(MountedPlugin.class);
    /** A client tries a server that does not answer for two minutes. */
    private static final Duration MOUNT_DEADLINE = Duration.ofMinutes(3);

    private static final Pattern NAME_OR_IPV4 = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.\\-]*");
    private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
    private static final Pattern PATH = Pattern.compile("/\\P{Cntrl}*");
    private static final Pattern WORD = Pattern.compile("[^\\s\\p{Cntrl}]+");
    private static final Pattern TEXT = Pattern.compile("\\P{Cntrl}*");

    /** One for each mount point: two calls must not mount the same one above the other. */
    private static final Map<Path, Object> GUARDS = new ConcurrentHashMap<>();

    private final MountHost host;

    protected MountedPlugin(MountHost host) {
        super(host.mounts());
        this.host = host;
    }

    /** Where this node keeps what is needed. */
    protected final MountHost host() {
        return host;
    }

    /** Whether this, which is mounted on the storage's path, is the storage. */
    protected abstract boolean isStorage(Storage storage, Mount mount);

    /**
     * Mounts the storage.
     *
     * @throws StorageException whose message begins with {@code mount error}
     */
    protected abstract void mount(Storage storage, Path mountPoint);

    @Override
    public boolean isShared() {
        return true;
    }

    @Override
    public Map<String, Object> checkConfig(StorageId storage, Map<String, Object> properties, boolean isNew) {
        Map<String, Object> complete = new LinkedHashMap<>(properties);
        boolean hasPath = complete.get("path") instanceof String path && !path.isEmpty();
        if (isNew && !hasPath) {
            complete.put("path", DEFAULT_PARENT + storage);
        }
        return super.checkConfig(storage, complete, isNew);
    }

    /** The options that all of these types have, to which a type adds its own. */
    protected static Map<String, PropertyOption> mountOptions() {
        Map<String, PropertyOption> options = commonOptions();
        options.put("options", OPTIONAL);
        return options;
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        return isMounted(storage, mounts(cache).table()) ? super.status(storage, cache) : new StorageStatus.Inactive();
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        if (!isMounted(storage, mounts(cache).table())) {
            synchronized (GUARDS.computeIfAbsent(base(storage), path -> new Object())) {
                // Only now: looking at a directory whose server is gone may never end.
                if (!isMounted(storage, mounts(cache).readAgain())) {
                    mountAnew(storage, cache);
                }
            }
        }
        super.activateStorage(storage, cache);
    }

    private void mountAnew(Storage storage, OperationCache cache) {
        Path base = base(storage);
        mounts(cache)
                .table()
                .on(base)
                .forEach(other -> LOG.warn(
                        "'{}' is already mounted on '{}' and does not belong to storage '{}'",
                        other.source(),
                        base,
                        storage.id()));
        makeBase(storage);
        if (!Files.isDirectory(base)) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "unable to activate storage '" + storage.id() + "' - directory '" + base + "' does not exist");
        }
        try {
            mount(storage, base);
        } catch (StorageException e) {
            if (isMounted(storage, mounts(cache).readAgain())) {
                LOG.info("storage '{}' was mounted by somebody else", storage.id());
                return;
            }
            throw new StorageException(
                    e.error() == StorageError.COMMAND_FAILED ? StorageError.STORAGE_UNAVAILABLE : e.error(),
                    e.outcome() == Outcome.NOT_STARTED ? e.outcome() : Outcome.FAILED_CLEAN,
                    e.getMessage(),
                    e);
        }
        mounts(cache).readAgain();
    }

    @Override
    public void deactivateStorage(Storage storage, OperationCache cache) {
        Path base = base(storage);
        synchronized (GUARDS.computeIfAbsent(base, path -> new Object())) {
            // Since util-linux 2.41 two that mount at once stack their mounts, and each is unmounted alone.
            for (int i = 0; i < MOST_STACKED && isMounted(storage, mounts(cache).readAgain()); i++) {
                unmount(storage, base, cache);
            }
        }
    }

    private void unmount(Storage storage, Path base, OperationCache cache) {
        try {
            run("umount error", "/bin/umount", base.toString());
        } catch (StorageException e) {
            if (isMounted(storage, mounts(cache).readAgain())) {
                throw new StorageException(
                        e.getMessage().contains("busy") ? StorageError.IN_USE : e.error(),
                        e.outcome() == Outcome.NOT_STARTED ? e.outcome() : Outcome.FAILED_CLEAN,
                        e.getMessage(),
                        e);
            }
            LOG.info("storage '{}' was unmounted by somebody else", storage.id());
        }
    }

    private boolean isMounted(Storage storage, MountTable table) {
        return table.on(base(storage)).stream().anyMatch(mount -> isStorage(storage, mount));
    }

    /** Runs a program of the host, the first word, under PVE's path for it. */
    protected final void run(String errorPrefix, String... words) {
        new Command(command(List.of(words)), errorPrefix, MOUNT_DEADLINE).run();
    }

    /**
     * Mounts by {@code mount}, which needs a program of its own for this type of file system.
     *
     * @param helper where that program is
     * @param debianPackage what to install if it is not there
     */
    protected final void runMount(String helper, String debianPackage, List<String> words) {
        try {
            run("mount error", words.toArray(String[]::new));
        } catch (StorageException e) {
            if (Files.exists(Path.of(host.program(helper)))) {
                throw e;
            }
            throw new StorageException(
                    e.error(), e.outcome(), e.getMessage() + "; install the package " + debianPackage, e);
        }
    }

    /**
     * Asks a server something by a program of the host, the first word.
     *
     * @return empty if the program gave no answer, which is logged
     */
    protected final Optional<Command.Ended> ask(Duration limit, List<String> words) {
        try {
            return Optional.of(new Command(command(words), null, limit).end());
        } catch (StorageException e) {
            LOG.warn("{}", e.getMessage());
            return Optional.empty();
        }
    }

    private List<String> command(List<String> words) {
        List<String> command = new ArrayList<>(words);
        command.set(0, host.program(words.getFirst()));
        return command;
    }

    /**
     * The server in the configuration.
     *
     * @throws StorageException {@code BAD_CONFIG} if there is none, or something that is no name or address
     */
    protected static String server(Storage storage) {
        String server = required(storage, "server");
        if (!NAME_OR_IPV4.matcher(server).matches() && !isIpv6(server)) {
            throw illegal(storage, "server", server, "no name or address of a machine");
        }
        return server;
    }

    protected static boolean isIpv6(String server) {
        return IPV6.matcher(server).matches();
    }

    /** A server as it stands in front of a colon or slash. */
    protected static String bracketed(String server) {
        return isIpv6(server) ? "[" + server + "]" : server;
    }

    /** A property that must be a path on the server. */
    protected static String remotePath(Storage storage, String property) {
        String path = required(storage, property);
        if (!PATH.matcher(path).matches()) {
            throw illegal(storage, property, path, "no absolute path");
        }
        return path;
    }

    /** A property that must be set. */
    protected static String required(Storage storage, String property) {
        return text(storage, property)
                .orElseThrow(() -> StorageException.refused(
                        StorageError.BAD_CONFIG, "storage '" + storage.id() + "' has no '" + property + "'"));
    }

    /** A property on one line, empty if it is not set. */
    protected static Optional<String> text(Storage storage, String property) {
        Optional<String> text = storage.config().text(property).filter(value -> !value.isEmpty());
        text.filter(value -> !TEXT.matcher(value).matches()).ifPresent(value -> {
            throw illegal(storage, property, value, "not on one line");
        });
        return text;
    }

    /** The configured options for mounting, empty if there are none. */
    protected static Optional<String> options(Storage storage) {
        Optional<String> options = text(storage, "options");
        options.filter(value -> !WORD.matcher(value).matches()).ifPresent(value -> {
            throw illegal(storage, "options", value, "not a list without blanks");
        });
        return options;
    }

    private static StorageException illegal(Storage storage, String property, String value, String why) {
        return StorageException.refused(
                StorageError.BAD_CONFIG,
                "storage '" + storage.id() + "' has " + property + " " + Quoted.of(value) + ", which is " + why);
    }
}

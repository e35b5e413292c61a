package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.command.Command;
import dev.tenon.core.command.SharedAnswer;
import dev.tenon.core.command.ShortCommand;
import dev.tenon.core.command.Watch;
import dev.tenon.core.linux.Rados;
import dev.tenon.core.linux.RadosImage;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.storage.common.SeenEffect;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The commands of Ceph for one storage. Nothing waits longer than the host's limits, and what many ask at the same time is
 * asked once.
 */
final class Rbd {
    private static final Logger LOG = LoggerFactory.getLogger(Rbd.class);

    /** Dates are printed in the zone of the command. */
    private static final Map<String, String> ENVIRONMENT = Map.of("TZ", "UTC");

    /** What the library writes comes from other threads, and may be in the middle of a line of the command. */
    private static final Pattern LOG_PREFIX = Pattern.compile("\\d{4}-\\d\\d-\\d\\d[T ]\\S+ [0-9a-f]+ +-?\\d+ ");

    private static final Pattern PROGRESS = Pattern.compile("[A-Z][a-z ()]*: \\d+% complete\\.\\.\\.");

    private static final int NO_ENTRY = 2;
    private static final int NO_PERMISSION = 13;
    private static final int BUSY = 16;
    private static final int EXISTS = 17;
    private static final int NOT_EMPTY = 39;
    private static final int TIMED_OUT = 110;

    /** A client waits for room in a full pool for ever, so that is asked for while a change takes long. */
    private static final Duration SUSPICIOUS = Duration.ofSeconds(5);

    /** What is asked of whom: storages of one cluster share the answers. */
    private record Asked(RbdHost host, List<String> command) {}

    private static final Map<Asked, SharedAnswer<String>> SHARED = new ConcurrentHashMap<>();
    private static final Map<Asked, SharedAnswer<List<Image>>> LISTINGS = new ConcurrentHashMap<>();

    private final RbdHost host;
    private final Storage storage;
    private final Connection connection;
    private final Watch room = new Watch(SUSPICIOUS, this::refuseFull);

    /** What one operation knows already. */
    private record Known(String answer) {}

    private record Listed(List<Image> images) {}

    /** Those of a storage; {@code BAD_CONFIG} if it cannot be reached as it is configured. */
    Rbd(RbdHost host, Storage storage) {
        this.host = host;
        this.storage = storage;
        connection = Connection.of(host, storage);
    }

    Connection connection() {
        return connection;
    }

    private List<String> rbd(String operation, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(host.program("rbd")));
        command.addAll(List.of(operation.equals("import") ? "--dest-pool" : "-p", Configuration.pool(storage)));
        Configuration.namespace(storage)
                .filter(_ -> !operation.equals("unmap"))
                .ifPresent(name ->
                        command.addAll(List.of(operation.equals("import") ? "--dest-namespace" : "--namespace", name)));
        command.addAll(connection.options(Authentication.of(host)));
        command.add(operation);
        command.addAll(arguments);
        return command;
    }

    private List<String> ceph(String... words) {
        List<String> command = new ArrayList<>(List.of(host.program("ceph")));
        if (connection.configuration() == null) {
            // It insists on one, where rbd does not.
            command.addAll(List.of("-c", "/dev/null"));
        }
        command.addAll(connection.options(Authentication.of(host)));
        command.addAll(List.of(words));
        command.addAll(List.of("--format", "json"));
        return command;
    }

    // ---- questions

    /** All images of the pool with their snapshots, as they are now. */
    List<Image> images() {
        return Answers.images(shared(rbd("ls", List.of("-l", "--format", "json"))));
    }

    /** The same without the snapshots, for all calls of one operation. */
    List<Image> images(OperationCache cache) {
        List<String> command = rbd("ls", List.of("-l", "--format", "json"));
        return cache.get(
                        "rbd:" + String.join("\n", command),
                        Listed.class,
                        () -> new Listed(LISTINGS.computeIfAbsent(
                                        new Asked(host, command),
                                        _ -> new SharedAnswer<>("rbd ls", () -> listed(command)))
                                .ask(host.read())))
                .images();
    }

    private List<Image> listed(List<String> command) {
        if (usesLibrary()) {
            Optional<List<Image>> images = Clusters.ask(
                    connection,
                    host.read(),
                    cluster -> Directory.read(
                            cluster,
                            Configuration.pool(storage),
                            Configuration.namespace(storage).orElse("")));
            if (images.isPresent()) {
                return images.get();
            }
        }
        return Answers.images(asked(command));
    }

    /** What reads an image. */
    @FunctionalInterface
    interface Reading {
        void read(RadosImage image) throws IOException;
    }

    /**
     * Lets an image be read by the library.
     *
     * @param snapshot as it was then, null as it is
     * @return whether there is the library; if not, nothing was done
     */
    boolean read(String image, @Nullable String snapshot, Reading reading) {
        if (!usesLibrary() || !RadosImage.isInstalled()) {
            return false;
        }
        Clusters.ask(connection, host.change(), cluster -> {
            try (Rados.Pool pool = cluster.pool(
                            Configuration.pool(storage),
                            Configuration.namespace(storage).orElse(""));
                    RadosImage opened = RadosImage.open(pool, image, snapshot)) {
                reading.read(opened);
                return true;
            }
        });
        return true;
    }

    private boolean usesLibrary() {
        return host.hasLibrary() && Rados.isInstalled();
    }

    /** Fails with {@code STORAGE_UNAVAILABLE} if the pool cannot be read. */
    void reach() {
        shared(rbd("ls", List.of("--format", "json")));
    }

    /** The names of all images, of those too that cannot be opened. */
    List<String> names() {
        return Answers.names(asked(rbd("ls", List.of("--format", "json"))));
    }

    /** What is known of an image; {@code NOT_FOUND} if there is none. */
    Answers.Info info(String image) {
        return Answers.info(asked(rbd("info", List.of("--format", "json", "--image", image))));
    }

    /** How large an image is, or was when a snapshot of it was taken, in bytes. */
    long size(String image, @Nullable String snapshot) {
        List<String> arguments = new ArrayList<>(List.of("--format", "json", "--image", image));
        if (snapshot != null) {
            arguments.addAll(List.of("--snap", snapshot));
        }
        return Answers.info(asked(rbd("info", arguments))).size();
    }

    /** The snapshots of an image; {@code NOT_FOUND} if there is none. */
    List<Image.Snapshot> snapshots(String image) {
        return Answers.snapshots(asked(rbd("snap", List.of("ls", "--format", "json", "--image", image))));
    }

    /** What an image has of its own, in bytes; empty if that is not told. */
    Optional<Long> used(String image) {
        return Answers.used(asked(rbd("du", List.of("--format", "json", "--image", image))), image);
    }

    /**
     * The clones of an image, in whatever pool.
     *
     * @param snapshot of which they are, null for any
     */
    List<String> children(String image, @Nullable String snapshot) {
        List<String> arguments = new ArrayList<>(List.of("--all", "--format", "json", "--image", image));
        if (snapshot != null) {
            arguments.addAll(List.of("--snap", snapshot));
        }
        return Answers.children(asked(rbd("children", arguments)));
    }

    /** Who has an image open to write. */
    List<String> watchers(String image) {
        return Answers.watchers(asked(rbd("status", List.of("--format", "json", "--image", image))));
    }

    /** The use of the pool in which the data is; empty if the cluster does not tell. */
    Optional<Answers.Use> use(OperationCache cache) {
        String answer = cache.get(
                        "rbd:df:" + connection, Known.class, () -> new Known(ofMonitors("\"prefix\":\"df\"", "df")))
                .answer();
        return Answers.use(answer, Configuration.dataPool(storage).orElseGet(() -> Configuration.pool(storage)));
    }

    /** Refuses to wait any longer for a pool that has no room. */
    private void refuseFull() {
        List<String> full;
        try {
            full = fullPools();
        } catch (StorageException e) {
            LOG.info("event=room-unknown storage={} reason=\"{}\"", storage.id(), e.getMessage());
            return;
        }
        if (!full.isEmpty()) {
            throw new StorageException(
                    StorageError.NO_SPACE,
                    Outcome.UNKNOWN,
                    "pool '" + full.getFirst() + "' is full, and the cluster takes no more writes to it");
        }
    }

    /** Those of the storage's pools that are full, or whose quota is used up. */
    private List<String> fullPools() {
        List<String> full = Answers.fullPools(
                ofMonitors("\"prefix\":\"osd pool ls\",\"detail\":\"detail\"", "osd", "pool", "ls", "detail"));
        return Stream.concat(Stream.of(Configuration.pool(storage)), Configuration.dataPool(storage).stream())
                .filter(full::contains)
                .toList();
    }

    /** The identity of the cluster. */
    String fsid() {
        return Answers.fsid(ofMonitors("\"prefix\":\"fsid\"", "fsid"));
    }

    /**
     * What the monitors answer.
     *
     * @param question in JSON, without the braces
     * @param words the same for the command
     */
    private String ofMonitors(String question, String... words) {
        List<String> command = ceph(words);
        return SHARED.computeIfAbsent(
                        new Asked(host, command),
                        _ -> new SharedAnswer<>("ceph " + String.join(" ", words), () -> monitors(question, command)))
                .ask(host.read());
    }

    private String monitors(String question, List<String> command) {
        return usesLibrary()
                ? Clusters.ask(
                        connection, host.read(), cluster -> cluster.ask("{" + question + ",\"format\":\"json\"}"))
                : asked(command);
    }

    private String shared(List<String> command) {
        return SHARED.computeIfAbsent(
                        new Asked(host, command), _ -> new SharedAnswer<>(command.getFirst(), () -> asked(command)))
                .ask(host.read());
    }

    private String asked(List<String> command) {
        ShortCommand.Ended ended;
        try {
            ended = new ShortCommand(command, ENVIRONMENT, host.read()).run();
        } catch (StorageException e) {
            throw new StorageException(
                    e.error() == StorageError.COMMAND_FAILED ? StorageError.STORAGE_UNAVAILABLE : e.error(),
                    Outcome.NOT_STARTED,
                    e.getMessage(),
                    e);
        }
        ended.errors().forEach(this::said);
        if (ended.exitCode() != 0 && !isListing(command, ended)) {
            throw StorageException.refused(errorOf(ended), "rbd error: " + words(ended));
        }
        return ended.output();
    }

    /** A listing is whole but for those that are half removed, and fails if the last one is. */
    private static boolean isListing(List<String> command, ShortCommand.Ended ended) {
        return ended.exitCode() == NO_ENTRY
                && command.contains("-l")
                && !ended.output().isBlank();
    }

    private void said(String line) {
        if (!isAboutNoFile(line)) {
            LOG.info("event=said storage={} line={}", storage.id(), Quoted.inWords(line));
        }
    }

    /** Ceph complains where there is no configuration, which a cluster with monhost does not need. */
    private static boolean isAboutNoFile(String line) {
        return line.contains("did not load config file")
                || line.contains("Errors while parsing config file")
                || line.contains("can't open ceph.conf");
    }

    // ---- changes

    /**
     * Makes a change that takes as long for a large image as for a small one.
     *
     * @param failure what an error message begins with
     * @throws StorageException {@code NO_SPACE}, {@code NOT_FOUND}, {@code IN_USE}, {@code ALREADY_EXISTS}, {@code
     *     STORAGE_UNAVAILABLE}, {@code PERMISSION_DENIED} or {@code COMMAND_FAILED}, all {@code UNKNOWN}
     */
    void change(String failure, String operation, String... arguments) {
        change(failure, host.change(), operation, List.of(arguments));
    }

    /** The same of one that takes the longer the larger the image is. */
    void longChange(String failure, String operation, String... arguments) {
        change(failure, RbdHost.LONGEST, operation, List.of(arguments));
    }

    private void change(String failure, Duration limit, String operation, List<String> arguments) {
        ShortCommand.Ended ended = watched(
                failure, new ShortCommand(rbd(operation, arguments), ENVIRONMENT, limit), watch(operation, arguments));
        ended.errors().forEach(this::said);
        if (ended.exitCode() != 0) {
            throw new StorageException(errorOf(ended), Outcome.UNKNOWN, failure + ": " + words(ended));
        }
    }

    private static ShortCommand.Ended watched(String failure, ShortCommand command, Watch watch) {
        try {
            return command.run(watch);
        } catch (StorageException e) {
            throw e.error() == StorageError.NO_SPACE ? full(failure, e) : e;
        }
    }

    /** What makes room goes on in a full pool, or says at once that it cannot; what only reads goes on. */
    private Watch watch(String operation, List<String> arguments) {
        return switch (operation) {
            case "rm", "export", "map", "unmap" -> Watch.NONE;
            case "snap" -> List.of("rm", "purge").contains(arguments.getFirst()) ? Watch.NONE : room;
            default -> room;
        };
    }

    private static StorageException full(String failure, StorageException e) {
        return new StorageException(StorageError.NO_SPACE, e.outcome(), failure + ": " + e.getMessage(), e);
    }

    /** Makes a change; if it fails, what can be seen tells whether nothing was changed. */
    void told(Runnable change, BooleanSupplier isUnchanged) {
        try {
            change.run();
        } catch (StorageException e) {
            throw SeenEffect.of(e, isUnchanged);
        }
    }

    /**
     * Runs a command between two files.
     *
     * @param failure what an error message begins with
     */
    void stream(String failure, Path from, Path to, String operation, String... arguments) {
        List<String> words = List.of(arguments);
        new Command(rbd(operation, words), failure, RbdHost.LONGEST).run(from, to, watch(operation, words));
    }

    private static String words(ShortCommand.Ended ended) {
        List<String> lines = ended.errors().stream()
                .filter(line -> !isAboutNoFile(line))
                .map(Rbd::cleaned)
                .filter(line -> !line.isEmpty())
                .toList();
        if (lines.isEmpty()) {
            return "exit code " + ended.exitCode();
        }
        // What the library says is the reason of what the command says last.
        Optional<String> reason =
                lines.stream().filter(line -> line.startsWith("librbd")).findFirst();
        Optional<String> last =
                lines.stream().filter(line -> !line.startsWith("librbd")).reduce((first, second) -> second);
        return last.map(line -> reason.map(text -> line + " - " + text).orElse(line))
                .orElse(lines.getLast());
    }

    /** A line without what the log and the progress put into it. */
    static String cleaned(String line) {
        String text = PROGRESS.matcher(LOG_PREFIX.matcher(line).replaceAll("")).replaceAll("");
        return text.strip().equals("failed.") ? "" : text.strip();
    }

    private static StorageError errorOf(ShortCommand.Ended ended) {
        String all = String.join("\n", ended.errors());
        if (all.contains("error opening pool")
                || all.contains("namespace '")
                || all.contains("couldn't connect")
                || all.contains("connecting to the cluster")
                || all.contains("RADOS timed out")) {
            return StorageError.STORAGE_UNAVAILABLE;
        }
        // In a full pool rbd 16.2.15 cannot even remove an image, and ends as if there was none.
        if (all.contains("No space left on device") || all.contains("Disk quota exceeded")) {
            return StorageError.NO_SPACE;
        }
        return switch (ended.exitCode()) {
            case NO_ENTRY -> StorageError.NOT_FOUND;
            case 1, NO_PERMISSION ->
                all.contains("ermi") ? StorageError.PERMISSION_DENIED : StorageError.COMMAND_FAILED;
            case BUSY, NOT_EMPTY -> StorageError.IN_USE;
            case EXISTS -> StorageError.ALREADY_EXISTS;
            case TIMED_OUT -> StorageError.STORAGE_UNAVAILABLE;
            default -> StorageError.COMMAND_FAILED;
        };
    }
}

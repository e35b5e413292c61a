package dev.tenon.core.storage.block.zfs;

import dev.tenon.core.command.Command;
import dev.tenon.core.command.SharedAnswer;
import dev.tenon.core.command.ShortCommand;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.storage.common.SeenEffect;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * ZFS's commands. What is in the places of a pool is asked once for all who ask at the same time, whichever storages they ask
 * for; nothing waits longer than the host's limits, and nothing of one pool for another.
 */
final class Zfs {
    private static final Logger LOG = LoggerFactory.getLogger(Zfs.class);

    private static final List<String> LIST = List.of("list", "-Hp", "-t", "filesystem,volume", "-o", Dataset.FIELDS);

    /** A program for ZFS that changes nothing. */
    private static final String HELD =
            "local words = ...; if zfs.check.rollback(words['argv'][1]) == 16 then return 'held' end return 'free'";

    private static final String BUSY = "'held'";

    /** After so long without a question a place is not listed with the others of its pool any more. */
    private static final Duration FORGOTTEN = Duration.ofMinutes(10);

    /** What was found in places of a pool; none of one that is not there. */
    private record Listed(List<String> places, List<Dataset> all) {}

    /**
     * A pool.
     *
     * @param places those that were asked for, and when last
     */
    private record Pool(Map<String, Long> places, SharedAnswer<Listed> answer) {}

    private static final Map<ZfsHost, Zfs> ALL = new ConcurrentHashMap<>();

    private final ZfsHost host;
    private final Map<String, Pool> pools = new ConcurrentHashMap<>();

    /** The commands of this host. */
    static Zfs of(ZfsHost host) {
        return ALL.computeIfAbsent(host, Zfs::new);
    }

    private Zfs(ZfsHost host) {
        this.host = host;
    }

    ZfsHost host() {
        return host;
    }

    // ---- questions

    /** A place in a pool and what is directly in it, for all calls of one operation; nothing if there is no such place. */
    List<Dataset> all(String pool, String place, OperationCache cache) {
        Pool of = pools.computeIfAbsent(pool, this::pool);
        of.places().put(place, System.nanoTime());
        Listed known =
                cache.get("zfs:list:" + pool, Listed.class, () -> of.answer().ask(host.read()));
        if (!known.places().contains(place)) {
            // Nobody had asked for it when this operation began; from now on it is listed with the others.
            known = cache.get(
                    "zfs:place:" + place, Listed.class, () -> of.answer().ask(host.read()));
        }
        return known.all();
    }

    private Pool pool(String name) {
        Map<String, Long> places = new ConcurrentHashMap<>();
        return new Pool(places, new SharedAnswer<>("zfs list " + name, () -> {
            places.values().removeIf(asked -> System.nanoTime() - asked > FORGOTTEN.toNanos());
            return listed(places.keySet().stream().sorted().toList());
        }));
    }

    private Listed listed(List<String> places) {
        List<String> words = with(LIST, "-d", "1");
        words.addAll(places);
        ShortCommand.Ended ended = ended("zfs", words);
        // Of places that are not there it says so, and lists the others.
        if (ended.errors().isEmpty() || !ended.errors().stream().allMatch(line -> line.contains("does not exist"))) {
            refuseFailed(ended);
        }
        return new Listed(
                places, Dataset.read(ended.output()).stream().distinct().toList());
    }

    /** A dataset and what is directly in it, as they are now; {@code NOT_FOUND} if there is none. */
    List<Dataset> within(String name) {
        return Dataset.read(asked("zfs", with(LIST, "-d", "1", name)));
    }

    /** A dataset as it is now, empty if there is none of this name. */
    Optional<Dataset> find(String name) {
        try {
            return Dataset.read(asked("zfs", with(LIST, name))).stream().findFirst();
        } catch (StorageException e) {
            if (e.error() == StorageError.NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The snapshots of a dataset, the oldest first; {@code NOT_FOUND} if there is no such dataset. */
    List<Snapshot> snapshots(String name) {
        return Snapshot.read(asked(
                "zfs",
                List.of("list", "-Hp", "-d", "1", "-t", "snapshot", "-s", "createtxg", "-o", Snapshot.FIELDS, name)));
    }

    /** A property of a dataset, as ZFS writes it. */
    String property(String property, String name) {
        return asked("zfs", List.of("get", "-Hp", "-o", "value", property, name))
                .strip();
    }

    private static List<String> with(List<String> words, String... more) {
        List<String> all = new ArrayList<>(words);
        all.addAll(List.of(more));
        return all;
    }

    private String asked(String program, List<String> words) {
        ShortCommand.Ended ended = ended(program, words);
        refuseFailed(ended);
        return ended.output();
    }

    private ShortCommand.Ended ended(String program, List<String> words) {
        try {
            return new ShortCommand(
                            with(List.of(host.program(program)), words.toArray(String[]::new)), Map.of(), host.read())
                    .run();
        } catch (StorageException e) {
            throw new StorageException(
                    e.error() == StorageError.COMMAND_FAILED ? StorageError.STORAGE_UNAVAILABLE : e.error(),
                    Outcome.NOT_STARTED,
                    e.getMessage(),
                    e);
        }
    }

    private static void refuseFailed(ShortCommand.Ended ended) {
        if (ended.exitCode() != 0) {
            StorageError error = errorOf(ended.errors());
            throw StorageException.refused(
                    error == StorageError.COMMAND_FAILED ? StorageError.STORAGE_UNAVAILABLE : error,
                    "zfs error: " + words(ended));
        }
    }

    // ---- changes

    /**
     * Makes a change.
     *
     * @throws StorageException {@code NOT_FOUND}, {@code ALREADY_EXISTS} or {@code IN_USE}, {@code NOT_STARTED} if ZFS had
     *     looked before it began; else one of them, {@code NO_SPACE}, {@code STORAGE_UNAVAILABLE}, {@code PERMISSION_DENIED} or
     *     {@code COMMAND_FAILED}, {@code UNKNOWN}
     */
    void change(String... words) {
        changed("zfs", words);
    }

    /** The same of a pool. */
    void changePool(String... words) {
        changed("zpool", words);
    }

    private void changed(String program, String... words) {
        ShortCommand.Ended ended =
                new ShortCommand(with(List.of(host.program(program)), words), Map.of(), host.change()).run();
        ended.errors().forEach(line -> LOG.info("event=said program={} line={}", program, Quoted.inWords(line)));
        if (ended.exitCode() != 0) {
            throw new StorageException(
                    errorOf(ended.errors()),
                    isRefusal(ended.errors()) ? Outcome.NOT_STARTED : Outcome.UNKNOWN,
                    program + " error: " + words(ended));
        }
    }

    /**
     * Whether anything has a dataset open that has snapshots and is not mounted in this mount namespace: a process, the kernel for
     * a mount or a loop device, or a file system that another namespace has mounted. That is what ZFS would find out when the
     * snapshots are gone, so it is asked whether it would roll back. False if it does not tell.
     */
    boolean isHeld(String pool, String name) {
        ShortCommand.Ended ended = new ShortCommand(
                        List.of(
                                "/bin/sh",
                                "-c",
                                "printf '%s' \"$1\" | exec \"$2\" program \"$3\" - \"$4\"",
                                "sh",
                                HELD,
                                host.program("zfs"),
                                pool,
                                name),
                        Map.of(),
                        host.change())
                .run();
        if (ended.exitCode() != 0) {
            LOG.warn("event=not-told dataset={} reason={}", name, Quoted.inWords(words(ended)));
        }
        return ended.output().contains(BUSY);
    }

    /** Makes a change; if it fails, what can be seen tells whether nothing was changed. */
    void told(Runnable change, BooleanSupplier isUnchanged) {
        try {
            change.run();
        } catch (StorageException e) {
            throw SeenEffect.of(e, isUnchanged);
        }
    }

    /** Runs a command between two files. */
    void stream(Path from, Path to, List<String> words) {
        new Command(with(List.of(host.program("zfs")), words.toArray(String[]::new)), "zfs error", ZfsHost.LONGEST)
                .run(from, to);
    }

    /** Hints of what to do come after what is wrong. */
    private static String words(ShortCommand.Ended ended) {
        return ended.errors().stream()
                .filter(line -> line.startsWith("cannot "))
                .findFirst()
                .or(() -> Optional.ofNullable(ended.lastWords()))
                .orElse("exit code " + ended.exitCode());
    }

    /** Whether a command looked and did nothing. */
    private static boolean isRefusal(List<String> lines) {
        String all = String.join("\n", lines);
        return all.contains("does not exist")
                || all.contains("already exists")
                || all.contains("has dependent clones")
                || all.contains("more recent snapshots");
    }

    /** What a command means that failed with these lines on its standard error. */
    static StorageError errorOf(List<String> lines) {
        String all = String.join("\n", lines);
        if (all.contains("out of space") || all.contains("quota exceeded") || all.contains("No space left")) {
            return StorageError.NO_SPACE;
        }
        if (all.contains("no such pool")
                || all.contains("suspended")
                || all.contains("modules are not loaded")
                || all.contains("key not loaded")
                || all.contains("key is not loaded")) {
            return StorageError.STORAGE_UNAVAILABLE;
        }
        if (all.contains("does not exist")) {
            return StorageError.NOT_FOUND;
        }
        if (all.contains("already exists")) {
            return StorageError.ALREADY_EXISTS;
        }
        if (all.contains("is busy") || all.contains("dependent clones") || all.contains("more recent snapshots")) {
            return StorageError.IN_USE;
        }
        return all.contains("permission denied") || all.contains("Permission denied")
                ? StorageError.PERMISSION_DENIED
                : StorageError.COMMAND_FAILED;
    }
}

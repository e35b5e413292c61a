package dev.tenon.core.route;

import dev.tenon.core.compare.Shadow;
import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has each call made by an old plugin or by a new one, as its route says. A change is made by one of them, once: the old
 * plugin is asked after the new one only if that has not started.
 *
 * <p>When too many of the last calls of a storage were bad, all calls of the storage go back to the old plugin, until
 * somebody chooses otherwise; if they were about no storage, those of all. A bad call failed where the old plugin does not, or
 * was late. Where the old plugin is not asked, the kind of an error says whether the plugin failed or the request was wrong.
 *
 * <p>The type and its lock are the old plugin's on every way: those who lock must take the same lock.
 */
public final class Router implements Decorator {
    private static final Logger LOG = LoggerFactory.getLogger(Router.class);

    /** The methods that the old plugin answers on every way. */
    public static final Set<String> OF_OLD = Set.of("type", "lockStorage");

    /** What a plugin may say of a request that is wrong, or that the storage as it is does not allow. */
    private static final Set<StorageError> ANSWERS = EnumSet.of(
            StorageError.ALREADY_EXISTS,
            StorageError.BAD_CONFIG,
            StorageError.BAD_PARAMETER,
            StorageError.CANCELLED,
            StorageError.INVALID_NAME,
            StorageError.IN_USE,
            StorageError.NOT_FOUND,
            StorageError.NOT_SUPPORTED,
            StorageError.NO_SPACE,
            StorageError.OBJECT_GONE,
            StorageError.PERMISSION_DENIED,
            StorageError.STREAM_BROKEN,
            StorageError.TOO_MANY_CALLS,
            StorageError.UNSAFE_IMAGE);

    private static final long NANOS_PER_MILLI = 1_000_000;

    /** How often it is looked whether another daemon has changed the routes. */
    private static final long LOOK_NANOS = 1_000_000_000;

    private final String type;
    private final StoragePlugin old;
    private final StoragePlugin candidate;
    private final Shadow shadow;
    private final Path file;
    private final LongSupplier nanoTime;
    private final Map<Optional<StorageId>, Watch> watches = new ConcurrentHashMap<>();
    private final AtomicLong looked;
    private volatile Routes routes;
    private volatile Seen seen;

    /**
     * With the routes of a file.
     *
     * @param type what the log calls the storages
     * @param shadow compares the two
     * @param file keeps the routes
     * @throws IOException if the file is there and cannot be understood
     */
    public Router(String type, StoragePlugin old, StoragePlugin candidate, Shadow shadow, Path file)
            throws IOException {
        this(type, old, candidate, shadow, file, System::nanoTime);
    }

    Router(String type, StoragePlugin old, StoragePlugin candidate, Shadow shadow, Path file, LongSupplier nanoTime)
            throws IOException {
        this.type = type;
        this.old = old;
        this.candidate = new OwnCaches(candidate);
        this.shadow = shadow;
        this.file = file;
        this.nanoTime = nanoTime;
        this.looked = new AtomicLong(nanoTime.getAsLong());
        this.seen = Seen.of(file);
        this.routes = RouteFile.read(file);
    }

    /** The plugin that callers use. */
    public StoragePlugin plugin() {
        return Decorator.decorate(old, this);
    }

    public Routes routes() {
        return routes;
    }

    /**
     * Takes another way, and counts anew.
     *
     * @throws IOException if it cannot be written down; nothing is changed then
     */
    public synchronized void change(Route route) throws IOException {
        change(route, null);
    }

    /**
     * Watches within other bounds, and counts anew.
     *
     * @throws IOException if they cannot be written down; nothing is changed then
     */
    public synchronized void change(Bounds bounds) throws IOException {
        change(null, bounds);
    }

    /**
     * Both at once.
     *
     * @param route null for no other way
     * @param bounds null for the same bounds
     * @throws IOException if they cannot be written down; nothing is changed then
     */
    public synchronized void change(@Nullable Route route, @Nullable Bounds bounds) throws IOException {
        Routes next = RouteFile.read(file);
        next = bounds == null ? next : next.within(bounds);
        next = route == null ? next : next.with(route);
        RouteFile.write(next, file);
        seen = Seen.of(file);
        watches.clear();
        routes = next;
        if (bounds != null) {
            LOG.info("event=bounds-changed type={} bounds=\"{}\"", type, bounds);
        }
        if (route != null) {
            tell(route);
        }
    }

    /** What another daemon, which is being replaced, has written meanwhile. */
    private void look() {
        long now = nanoTime.getAsLong();
        long last = looked.get();
        if (now - last < LOOK_NANOS || !looked.compareAndSet(last, now)) {
            return;
        }
        synchronized (this) {
            try {
                Seen there = Seen.of(file);
                if (!there.equals(seen)) {
                    Routes next = RouteFile.read(file);
                    seen = there;
                    if (!next.equals(routes)) {
                        routes = next;
                        watches.clear();
                        LOG.warn("event=routes-read type={} routes=\"{}\"", type, next);
                    }
                }
            } catch (IOException e) {
                LOG.error("event=routes-not-read type={} file={} reason=\"{}\"", type, file, e.getMessage());
            }
        }
    }

    /** Which file it is: each is written anew and moved into its place. */
    private record Seen(@Nullable Object key, @Nullable FileTime time) {
        static Seen of(Path file) throws IOException {
            try {
                BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
                return new Seen(attributes.fileKey(), attributes.lastModifiedTime());
            } catch (NoSuchFileException e) {
                return new Seen(null, null);
            }
        }
    }

    private void tell(Route route) {
        LOG.warn(
                "event=route-changed type={} storage={} method={} way={} by={} reason=\"{}\"",
                type,
                route.storage() == null ? "all" : route.storage(),
                route.method() == null ? "all" : route.method(),
                route.way().word(),
                route.isByHand() ? "hand" : "bounds",
                route.reason());
    }

    @Override
    public @Nullable Object around(Call<?> call, Supplier<@Nullable Object> next) {
        look();
        Way way = OF_OLD.contains(call.operation()) ? Way.OLD : routes.of(call.storage(), call.operation());
        if (way.isNew()) {
            Watch watch = watches.computeIfAbsent(Optional.ofNullable(call.storage()), ignored -> new Watch());
            String reason = watch.countLate(routes.bounds(), nanoTime.getAsLong());
            if (reason == null) {
                return new Attempt(call, next, watch).make(way);
            }
            goBack(call, watch, reason);
        }
        boolean isOfOld = way != Way.SHADOW && call.effect() == Call.Effect.READS;
        // The shadow knows of changes, which explain differences.
        return isOfOld || OF_OLD.contains(call.operation()) ? next.get() : shadow.around(call, next);
    }

    /** A call of the new plugin. */
    private final class Attempt {
        private final Call<?> call;
        private final Supplier<@Nullable Object> ofOld;
        private final Watch watch;
        private final boolean isChange;

        Attempt(Call<?> call, Supplier<@Nullable Object> ofOld, Watch watch) {
            this.call = call;
            this.ofOld = ofOld;
            this.watch = watch;
            this.isChange = call.effect() == Call.Effect.CHANGES;
        }

        @Nullable
        Object make(Way way) {
            Bounds bounds = routes.bounds();
            long begin = nanoTime.getAsLong();
            Watch.Running running = isChange ? null : watch.begin(call.operation(), begin);
            Object value;
            boolean counts;
            try {
                value = isChange ? shadow.changing(() -> call.on(candidate)) : call.on(candidate);
            } catch (RuntimeException | Error e) {
                counts = running == null || watch.end(running);
                return failed(way, e, counts);
            }
            counts = running == null || watch.end(running);
            if (counts) {
                long time = nanoTime.getAsLong() - begin;
                boolean isLate = !isChange && time > bounds.late().toNanos();
                count(isLate, "it took " + time / NANOS_PER_MILLI + " ms");
            }
            return value;
        }

        private @Nullable Object failed(Way way, Throwable failure, boolean counts) {
            if (isGivenUp(failure)) {
                throw sameAs(failure);
            }
            if (way == Way.NEW || !mayBeMadeByOld(failure)) {
                countFailure(isFault(failure), failure, counts);
                throw sameAs(failure);
            }
            Object value;
            try {
                value = isChange ? shadow.around(call, ofOld) : ofOld.get();
            } catch (StorageException e) {
                boolean isSame = failure instanceof StorageException other && other.error() == e.error();
                countFailure(!isSame && isFault(failure), failure, counts);
                throw e;
            }
            countFailure(true, failure, counts);
            return value;
        }

        /** Nobody waits for the answer, who perhaps does the same again, and it says nothing of the plugin. */
        private static boolean isGivenUp(Throwable failure) {
            return Thread.currentThread().isInterrupted()
                    || (failure instanceof StorageException e && e.error() == StorageError.CANCELLED);
        }

        /** What takes a stream may have taken a part of it, whatever it says. */
        private boolean mayBeMadeByOld(Throwable failure) {
            return !isChange
                    || (failure instanceof StorageException e
                            && e.outcome() == Outcome.NOT_STARTED
                            && call.argument(ExportStream.class).isEmpty()
                            && call.argument(ImportStream.class).isEmpty());
        }

        private void countFailure(boolean isBad, Throwable failure, boolean counts) {
            if (counts) {
                String kind = failure instanceof StorageException e
                        ? e.error() + " " + e.outcome()
                        : failure.getClass().getName();
                count(isBad, kind + ": " + failure.getMessage());
            }
        }

        private void count(boolean isBad, String what) {
            String reason = watch.count(isBad, call.operation() + ": " + what, routes.bounds());
            if (reason != null) {
                goBack(call, watch, reason);
            }
        }
    }

    private static boolean isFault(Throwable failure) {
        return !(failure instanceof StorageException e && ANSWERS.contains(e.error()));
    }

    private static RuntimeException sameAs(Throwable failure) {
        if (failure instanceof Error error) {
            throw error;
        }
        return (RuntimeException) failure;
    }

    /** Several callers may find out at once, and one that began before somebody chose another way says nothing of that. */
    private synchronized void goBack(Call<?> call, Watch watch, String why) {
        StorageId storage = call.storage();
        if (!watches.remove(Optional.ofNullable(storage), watch)) {
            return;
        }
        String line = why.replaceAll("[\\p{Cntrl}\\x{80}-\\x{9f}]+", " ").strip();
        String reason = line.substring(0, Math.min(line.length(), Route.LONGEST_REASON));
        Route back = new Route(storage, null, Way.OLD, reason, Instant.now(), false);
        Routes next = routes.with(back);
        try {
            next = RouteFile.read(file).with(back);
            RouteFile.write(next, file);
            seen = Seen.of(file);
        } catch (IOException e) {
            LOG.error("event=route-not-kept type={} file={} reason=\"{}\"", type, file, e.getMessage());
        }
        routes = next;
        tell(back);
    }
}

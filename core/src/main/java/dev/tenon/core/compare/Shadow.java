package dev.tenon.core.compare;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.decorator.DelegatingPlugin;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.VolumeInfo;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has a new plugin asked what an old one is asked in earnest. The old plugin answers; what only reads is asked of the new one
 * afterwards, on a thread of its own, and the answers are compared. What changes a storage is never made on the new one.
 *
 * <p>Callers never wait for the new plugin: calls wait for it in a queue that is bounded by their number and by the volumes
 * in their answers, and are dropped and counted when it is full, when they have waited too long, and while the new plugin
 * does not answer. The old one is asked first, because its caller waits, and again for some calls, to learn what moves by
 * itself, and after a difference.
 *
 * <p>Callers do not even wake a thread: that would take them longer than the rest of it. The shadow looks for calls from time
 * to time, and rests in between, so that most of the machine is theirs.
 */
public final class Shadow implements Decorator, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Shadow.class);

    /** How long it does not look whether calls wait. */
    private static final long LOOK_NANOS = 20_000_000;

    /** It rests when it has worked for so long. */
    private static final long WORK_NANOS = 1_000_000;

    /** How many times as long as it has worked, and at most: much of a long time was spent waiting. */
    private static final int REST = 3;

    private static final long LONGEST_REST_NANOS = 100_000_000;

    /** What changes meanwhile is no difference of plugins. */
    private final AtomicLong changes = new AtomicLong();

    private final StoragePlugin old;
    private final StoragePlugin asked;
    private final StoragePlugin candidate;
    private final Comparison comparison;
    private final Settings settings;
    private final Consumer<Compared> results;
    private final BlockingQueue<Optional<Read>> queue;
    private final AtomicLong volumes = new AtomicLong();
    private final AtomicBoolean isAsking = new AtomicBoolean();
    private volatile boolean isClosing;
    private final ExecutorService asking = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("shadow-asking").factory());
    private final Thread worker = Thread.ofPlatform().daemon().name("shadow").unstarted(this::work);

    private final LongAdder changed = new LongAdder();
    private final LongAdder reads = new LongAdder();
    private final LongAdder compared = new LongAdder();
    private final LongAdder leftOut = new LongAdder();
    private final LongAdder dropped = new LongAdder();
    private final LongAdder late = new LongAdder();
    private final LongAdder overtaken = new LongAdder();

    /**
     * How much is asked.
     *
     * @param share of the calls that read, from 0 to 1
     * @param twice the share of those for which the old plugin is asked again, to learn what moves by itself
     * @param waiting how many calls wait at most
     * @param volumes how many volumes there are at most in the answers of those that wait
     * @param deadline how long a call waits at most, and how long the new plugin may take
     */
    public record Settings(double share, double twice, int waiting, int volumes, Duration deadline) {
        /** Everything, an eighth of it twice, and no more than some megabytes. */
        public static final Settings USUAL = new Settings(1, 0.125, 256, 50_000, Duration.ofSeconds(10));

        public Settings {
            if (!(share >= 0 && share <= 1 && twice >= 0 && twice <= 1)) {
                throw new IllegalArgumentException("shares of calls are from 0 to 1, not " + share + " and " + twice);
            }
            if (waiting < 1 || volumes < 1 || !deadline.isPositive()) {
                throw new IllegalArgumentException(
                        "a queue has room for a call and a volume, and a deadline is positive");
            }
        }
    }

    /**
     * What became of the calls.
     *
     * @param changes those that change something, which the old plugin made alone
     * @param reads those that read
     * @param leftOut chosen to be left out, or a dry run, which the new plugin is not trusted with
     * @param dropped because too many waited, or because the new plugin still was at an earlier one
     * @param late too late when their turn came, or answered too late by the new plugin
     * @param overtaken whose answers differ after something was changed meanwhile, which says nothing
     */
    public record Counts(
            long changes, long reads, long compared, long leftOut, long dropped, long late, long overtaken) {}

    private record Read(Call<?> call, Answer answer, int weight, long changes, long time) {}

    /**
     * Begins at once.
     *
     * @param results is told of each call that was compared, on a thread of the shadow
     */
    public Shadow(
            StoragePlugin old, StoragePlugin candidate, Rules rules, Settings settings, Consumer<Compared> results) {
        this.old = old;
        this.asked = withOwnCaches(old);
        this.candidate = withOwnCaches(candidate);
        this.comparison = new Comparison(asked, this.candidate, rules, 1, ignored -> {});
        this.settings = settings;
        this.results = results;
        this.queue = new ArrayBlockingQueue<>(settings.waiting());
        worker.start();
    }

    /** The old plugin, with the new one as its shadow. */
    public StoragePlugin plugin() {
        return Decorator.decorate(old, this);
    }

    /** Makes a change that another plugin makes, so that a difference after it is not taken for one of the plugins. */
    public <T extends @Nullable Object> T changing(Supplier<T> change) {
        changes.incrementAndGet();
        try {
            return change.get();
        } finally {
            changes.incrementAndGet();
        }
    }

    /** What became of the calls by now. */
    public Counts counts() {
        return new Counts(
                changed.sum(), reads.sum(), compared.sum(), leftOut.sum(), dropped.sum(), late.sum(), overtaken.sum());
    }

    /** Waits for what waits, no longer than the deadline twice. After that nothing more is compared. */
    @Override
    public void close() {
        isClosing = true;
        LockSupport.unpark(worker);
        try {
            Duration most = settings.deadline();
            if (queue.offer(Optional.empty(), most.toNanos(), TimeUnit.NANOSECONDS)) {
                worker.join(most);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        worker.interrupt();
        asking.shutdownNow();
    }

    /** What the caller's operation shares is its own: a slow plugin that computes a value there would hold others up. */
    private static StoragePlugin withOwnCaches(StoragePlugin plugin) {
        return new DelegatingPlugin() {
            @Override
            protected <T extends @Nullable Object> T make(Call<T> call) {
                return call.on(plugin);
            }

            @Override
            public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
                return super.listImages(storage, filter, OperationCache.create());
            }

            @Override
            public StorageStatus status(Storage storage, OperationCache cache) {
                return super.status(storage, OperationCache.create());
            }
        };
    }

    /** Makes a call, and has the new plugin asked the same if the call reads. */
    @Override
    public @Nullable Object around(Call<?> call, Supplier<@Nullable Object> next) {
        boolean isDryRun = isDryRun(call);
        if (call.effect() == Call.Effect.CHANGES && !isDryRun) {
            changed.increment();
            return changing(next);
        }
        reads.increment();
        if (isDryRun) {
            leftOut.increment();
            return next.get();
        }
        if (settings.share() < 1 && ThreadLocalRandom.current().nextDouble() >= settings.share()) {
            leftOut.increment();
            return next.get();
        }
        long before = changes.get();
        long begin = System.nanoTime();
        try {
            Object value = next.get();
            offer(call, new Answer.Value(value, Duration.ofNanos(System.nanoTime() - begin)), before);
            return value;
        } catch (RuntimeException e) {
            offer(call, Answer.ofFailure(e, Duration.ofNanos(System.nanoTime() - begin)), before);
            throw e;
        }
    }

    /** It only tells what it would do; a new plugin that overlooks that would remove backups. */
    private static boolean isDryRun(Call<?> call) {
        return call.operation().equals("pruneBackups")
                && call.argument(Boolean.class).orElse(false);
    }

    private void offer(Call<?> call, Answer answer, long before) {
        int weight = answer instanceof Answer.Value(Collection<?> many, var _) ? many.size() : 0;
        if (volumes.addAndGet(weight) > settings.volumes()
                || isClosing
                || !queue.offer(Optional.of(new Read(call, answer, weight, before, System.nanoTime())))) {
            volumes.addAndGet(-weight);
            dropped.increment();
        }
    }

    private void work() {
        try {
            long worked = 0;
            while (true) {
                Optional<Read> next = queue.poll();
                if (next == null) {
                    rest(LOOK_NANOS);
                    continue;
                }
                if (next.isEmpty()) {
                    return;
                }
                long begin = System.nanoTime();
                try {
                    ask(next.get());
                } finally {
                    volumes.addAndGet(-next.get().weight());
                }
                worked += System.nanoTime() - begin;
                if (worked >= WORK_NANOS) {
                    rest(Math.min(REST * worked, LONGEST_REST_NANOS));
                    worked = 0;
                }
            }
        } catch (InterruptedException e) {
            // it was closed, and waited for long enough
        }
    }

    /** A little when it is being closed: the end is put into the queue soon. */
    private void rest(long nanos) throws InterruptedException {
        LockSupport.parkNanos(this, isClosing ? WORK_NANOS : nanos);
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    private void ask(Read read) throws InterruptedException {
        if (System.nanoTime() - read.time() > settings.deadline().toNanos()) {
            late.increment();
            return;
        }
        if (!isAsking.compareAndSet(false, true)) {
            dropped.increment();
            return;
        }
        // Either the question begins, or it is given up before it does.
        AtomicBoolean isDecided = new AtomicBoolean();
        Future<Compared> answer = asking.submit(() -> {
            if (!isDecided.compareAndSet(false, true)) {
                throw new CancellationException();
            }
            try {
                return compare(read);
            } finally {
                isAsking.set(false);
            }
        });
        try {
            tell(read, answer.get(settings.deadline().toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            if (isDecided.compareAndSet(false, true)) {
                isAsking.set(false);
            }
            answer.cancel(true);
            late.increment();
        } catch (ExecutionException e) {
            // a plugin that runs out of memory or stack must not end what watches it
            LOG.error("event=shadow-failed call=\"{}\" reason=\"{}\"", read.call(), String.valueOf(e.getCause()));
            dropped.increment();
        }
    }

    private Compared compare(Read read) {
        Call<?> call = read.call();
        Answer ofCandidate = Answer.of(call, candidate);
        if (ThreadLocalRandom.current().nextDouble() < settings.twice()) {
            Answer again = Answer.of(call, asked);
            if (changes.get() == read.changes()) {
                comparison.learn(call, read.answer(), again);
            }
        }
        return comparison.compare(call, read.answer(), ofCandidate);
    }

    private void tell(Read read, Compared answers) {
        // What is about the type alone is the same whatever happens to storages.
        boolean isOfStorage = read.call().storage() != null;
        if (isOfStorage && !answers.unexplained().isEmpty() && changes.get() != read.changes()) {
            overtaken.increment();
            return;
        }
        compared.increment();
        try {
            results.accept(answers);
        } catch (RuntimeException e) {
            LOG.error("event=shadow-result-lost reason=\"{}\"", e.toString());
        }
    }
}

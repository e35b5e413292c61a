package dev.tenon.host;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.StorageException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.IntCountsHistogram;
import org.HdrHistogram.Recorder;
import org.jspecify.annotations.Nullable;

/**
 * How many calls plugins answer, how long they take, and how they fail; by storage type and method, of which there are as
 * many as the table of methods has, whoever calls. Callers never wait here for each other or for whoever looks. What is kept
 * of a method that was called is about 100 KiB.
 */
public final class CallStatistics {
    /** The name of failures that are no {@link StorageException}: faults of a program. */
    public static final String FAULT = "FAULT";

    private static final Duration WINDOW = Duration.ofMinutes(5);
    private static final long SHORTEST = TimeUnit.MICROSECONDS.toNanos(1);
    private static final long LONGEST = TimeUnit.HOURS.toNanos(1);

    /** So that a time is at most one percent off. */
    private static final int DIGITS = 2;

    private static final double MEDIAN = 50;
    private static final double TAIL = 99;
    private static final double FAR_TAIL = 99.9;

    private final LongSupplier nanoTime;
    private final Map<String, Map<String, Series>> types = new ConcurrentHashMap<>();

    /**
     * The calls of a method. Times of more than an hour count as an hour.
     *
     * @param type the storage type
     * @param method the method of {@link dev.tenon.core.spi.StoragePlugin}
     * @param calls that have ended since the beginning, those that failed included
     * @param errors how many of them failed, by the name of the error
     * @param total how long all of them took together
     * @param recent how many of them ended in the last five to ten minutes, and how long those took
     */
    public record Row(
            String type, String method, long calls, SortedMap<String, Long> errors, Duration total, Recent recent) {
        public Row {
            errors = Collections.unmodifiableSortedMap(new TreeMap<>(errors));
        }
    }

    /** How long calls took; all zero if there were none. */
    public record Recent(long calls, Duration p50, Duration p99, Duration p999, Duration longest) {}

    public CallStatistics() {
        this(System::nanoTime);
    }

    CallStatistics(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** Counts the calls of a plugin of this type. */
    public Decorator of(String type) {
        Map<String, Series> methods = types.computeIfAbsent(type, ignored -> new ConcurrentHashMap<>());
        return (call, next) -> {
            Series series = methods.get(call.operation());
            if (series == null) {
                series = methods.computeIfAbsent(call.operation(), ignored -> new Series());
            }
            long begin = nanoTime.getAsLong();
            try {
                Object answer = next.get();
                series.ended(nanoTime.getAsLong() - begin, null);
                return answer;
            } catch (StorageException e) {
                series.ended(nanoTime.getAsLong() - begin, e.error().name());
                throw e;
            } catch (RuntimeException | Error e) {
                series.ended(nanoTime.getAsLong() - begin, FAULT);
                throw e;
            }
        };
    }

    /** What was counted by now, by type and method. To be asked every few minutes, or recent calls are those since then. */
    public List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        types.forEach((type, methods) -> methods.forEach((method, series) -> rows.add(series.row(type, method))));
        rows.sort(Comparator.comparing(Row::type).thenComparing(Row::method));
        return rows;
    }

    private final class Series {
        private final LongAdder calls = new LongAdder();
        private final LongAdder nanos = new LongAdder();
        private final Map<String, LongAdder> errors = new ConcurrentHashMap<>();
        private final Recorder recorder = new Recorder(SHORTEST, LONGEST, DIGITS);

        // guarded by this
        private @Nullable Histogram taken;
        private IntCountsHistogram present = window();
        private IntCountsHistogram before = window();
        private long since = nanoTime.getAsLong();

        private static IntCountsHistogram window() {
            return new IntCountsHistogram(SHORTEST, LONGEST, DIGITS);
        }

        void ended(long time, @Nullable String error) {
            calls.increment();
            nanos.add(time);
            recorder.recordValue(Math.clamp(time, 0, LONGEST));
            if (error != null) {
                errors.computeIfAbsent(error, ignored -> new LongAdder()).increment();
            }
        }

        synchronized Row row(String type, String method) {
            taken = recorder.getIntervalHistogram(taken);
            present.add(taken);
            IntCountsHistogram recent = present.copy();
            recent.add(before);
            if (nanoTime.getAsLong() - since >= WINDOW.toNanos()) {
                before = present;
                present = window();
                since = nanoTime.getAsLong();
            }
            SortedMap<String, Long> failed = new TreeMap<>();
            errors.forEach((error, count) -> failed.put(error, count.sum()));
            return new Row(
                    type,
                    method,
                    calls.sum(),
                    failed,
                    Duration.ofNanos(nanos.sum()),
                    new Recent(
                            recent.getTotalCount(),
                            at(recent, MEDIAN),
                            at(recent, TAIL),
                            at(recent, FAR_TAIL),
                            Duration.ofNanos(recent.getMaxValue())));
        }

        private static Duration at(IntCountsHistogram times, double percent) {
            return Duration.ofNanos(times.getTotalCount() == 0 ? 0 : times.getValueAtPercentile(percent));
        }
    }
}

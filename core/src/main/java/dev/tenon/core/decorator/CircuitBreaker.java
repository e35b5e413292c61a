package dev.tenon.core.decorator;

import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A storage that did not answer several times in a row is left alone for a while: its calls fail at once with
 * {@code STORAGE_UNAVAILABLE}, {@code NOT_STARTED} and the last error. Then one call is let through; if it fails too, the
 * pause doubles. Other storages of the same plugin are not concerned.
 */
public final class CircuitBreaker implements Decorator {
    private static final Logger LOG = LoggerFactory.getLogger(CircuitBreaker.class);
    private static final int LONGEST_PAUSE_DOUBLINGS = 5;

    private final int failures;
    private final Duration pause;
    private final LongSupplier nanoTime;
    private final Map<StorageId, Circuit> circuits = new ConcurrentHashMap<>();

    /**
     * Opens after failures in a row.
     *
     * @param failures how many, at least 1
     * @param pause how long calls fail at once the first time; at most 32 times that later
     */
    public CircuitBreaker(int failures, Duration pause) {
        this(failures, pause, System::nanoTime);
    }

    CircuitBreaker(int failures, Duration pause, LongSupplier nanoTime) {
        this.failures = failures;
        this.pause = pause;
        this.nanoTime = nanoTime;
    }

    @Override
    public @Nullable Object around(Call<?> call, Supplier<@Nullable Object> next) {
        StorageId storage = call.storage();
        if (storage == null) {
            return next.get();
        }
        Circuit circuit = circuits.computeIfAbsent(storage, id -> new Circuit());
        circuit.enter(call);
        try {
            Object answer = next.get();
            circuit.answered(storage);
            return answer;
        } catch (StorageException e) {
            if (LeftAloneException.isSilence(e)) {
                circuit.silent(storage, e);
            } else {
                circuit.answered(storage);
            }
            throw e;
        }
    }

    /** What is known of one storage. */
    private final class Circuit {
        private int silences;
        private long openUntil;
        private String last = "";

        synchronized void enter(Call<?> call) {
            long left = openUntil - nanoTime.getAsLong();
            if (silences >= failures && left > 0) {
                throw new LeftAloneException(call + " was not started: the storage did not answer " + silences
                        + " times in a row and is asked again in "
                        + Math.max(1, Duration.ofNanos(left).toSeconds()) + " s; last: " + last);
            }
            if (silences >= failures) {
                // This call finds out; others that come meanwhile must not wait with it.
                openUntil = nanoTime.getAsLong() + pauseNow();
            }
        }

        private long pauseNow() {
            return pause.toNanos() << Math.min(Math.max(0, silences - failures), LONGEST_PAUSE_DOUBLINGS);
        }

        synchronized void silent(StorageId storage, StorageException e) {
            silences++;
            last = e.getMessage();
            if (silences >= failures) {
                openUntil = nanoTime.getAsLong() + pauseNow();
                LOG.warn("event=storage-silent storage={} times={} last=\"{}\"", storage, silences, last);
            }
        }

        synchronized void answered(StorageId storage) {
            if (silences >= failures) {
                LOG.info("event=storage-answers-again storage={}", storage);
            }
            silences = 0;
        }
    }
}

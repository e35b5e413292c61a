package dev.tenon.core.decorator;

import dev.tenon.core.spi.Host;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers what a status daemon asks every few seconds, {@code checkConnection}, {@code activateStorage} and
 * {@code status}, in bounded time. Each is asked of the storage in the background, once at a time; a caller waits for a
 * moment, once for all that it asks of a silent storage, and then gets the last good answer, if that is not too old. Once it
 * is, {@code status} is inactive and the others fail with {@code STORAGE_UNAVAILABLE}. A refusal of the storage is an answer
 * and is passed on at once. If the storage could not even be asked, because its plugin's process cannot be started, that is
 * told, since it says nothing of the storage. Whoever wants to know which answers are the storage's makes the call with
 * {@link #noticing}.
 */
public final class StatusCache implements Decorator {
    private static final Logger LOG = LoggerFactory.getLogger(StatusCache.class);
    private static final String STATUS = "status";

    /** For an answer of a storage that was silent a moment ago. */
    private static final Duration MOMENT = Duration.ofMillis(50);

    private static final ScopedValue<Consumer<Supplier<Optional<Duration>>>> NOTICING = ScopedValue.newInstance();

    private final Settings settings;
    private final LongSupplier nanoTime;
    private final Map<Question, Answers> known = new ConcurrentHashMap<>();

    /** Storages that somebody waited for in vain, and that have answered nothing since. */
    private final Set<StorageId> silent = ConcurrentHashMap.newKeySet();

    /**
     * How patient callers are.
     *
     * @param fresh how long an answer of {@code status} is given without asking again
     * @param patience how long a caller waits for a new answer
     * @param stale how old the last good answer may be when there is no new one
     */
    public record Settings(Duration fresh, Duration patience, Duration stale) {
        /** For a daemon that asks every 10 seconds: always asked anew, and answered from memory only if it is silent. */
        public static final Settings USUAL =
                new Settings(Duration.ZERO, Duration.ofMillis(1500), Duration.ofMinutes(2));
    }

    /** An answer, which may be null. */
    private record Known(@Nullable Object answer) {}

    private record Question(String operation, StorageId storage) {}

    public StatusCache(Settings settings) {
        this(settings, System::nanoTime);
    }

    StatusCache(Settings settings, LongSupplier nanoTime) {
        this.settings = settings;
        this.nanoTime = nanoTime;
    }

    /**
     * Makes a call of somebody who has to tell an answer of the storage from one that stands for it.
     *
     * @param silence gets, before an answer that stands for one of the storage, for how long the storage has been asked in
     *     vain. That can be looked at later, too, and is empty as soon as the storage has answered
     */
    public static <T extends @Nullable Object> T noticing(
            Consumer<Supplier<Optional<Duration>>> silence, Supplier<T> call) {
        return ScopedValue.where(NOTICING, silence).call(call::get);
    }

    @Override
    public @Nullable Object around(Call<?> call, Supplier<@Nullable Object> next) {
        StorageId storage = call.storage();
        boolean isAskedByDaemons = switch (call.operation()) {
            case STATUS, "activateStorage", "checkConnection" -> true;
            default -> false;
        };
        if (storage == null || !isAskedByDaemons) {
            return next.get();
        }
        return known.computeIfAbsent(new Question(call.operation(), storage), question -> new Answers(storage))
                .ask(call, next);
    }

    /** The answers to one question. */
    private final class Answers {
        private @Nullable Object good;
        private long goodAt;
        private boolean hasGood;

        /** When the first question was asked that has not been answered, null if all are. */
        private @Nullable Long silentSince;

        private final StorageId storage;
        private @Nullable CompletableFuture<@Nullable Object> underWay;

        Answers(StorageId storage) {
            this.storage = storage;
        }

        @Nullable
        Object ask(Call<?> call, Supplier<@Nullable Object> next) {
            CompletableFuture<@Nullable Object> asked;
            synchronized (this) {
                if (call.operation().equals(STATUS)
                        && hasGood
                        && age() < settings.fresh().toNanos()) {
                    return good;
                }
                asked = underWay == null || underWay.isDone() ? begin(call, next) : underWay;
            }
            // A caller that asks a silent storage several things in a row waits for it once.
            Duration patience = silent.contains(storage) && MOMENT.compareTo(settings.patience()) < 0
                    ? MOMENT
                    : settings.patience();
            try {
                return asked.get(patience.toNanos(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                silent.add(storage);
                return instead(call);
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof StorageException refused)) {
                    throw new IllegalStateException(e.getCause());
                }
                if (LeftAloneException.isNotAsked(refused)) {
                    Known last = lastGood(call).orElseThrow(() -> refused);
                    isNoticed();
                    return last.answer();
                }
                if (LeftAloneException.isNoAnswer(refused)) {
                    return instead(call);
                }
                throw refused;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return instead(call);
            }
        }

        private CompletableFuture<@Nullable Object> begin(Call<?> call, Supplier<@Nullable Object> next) {
            CompletableFuture<@Nullable Object> answer = new CompletableFuture<>();
            underWay = answer;
            if (silentSince == null) {
                silentSince = nanoTime.getAsLong();
            }
            Host host = Host.calling();
            Thread.ofPlatform().daemon().name("ask-" + call.operation()).start(() -> {
                try {
                    Object value = host.call(next);
                    synchronized (this) {
                        good = value;
                        goodAt = nanoTime.getAsLong();
                        hasGood = true;
                        silentSince = null;
                    }
                    silent.remove(storage);
                    answer.complete(value);
                } catch (RuntimeException | Error e) {
                    if (!(e instanceof StorageException refused) || !LeftAloneException.isSilence(refused)) {
                        silent.remove(storage);
                    }
                    if (!(e instanceof StorageException refused) || !LeftAloneException.isNoAnswer(refused)) {
                        synchronized (this) {
                            silentSince = null;
                        }
                    }
                    answer.completeExceptionally(e);
                }
            });
            return answer;
        }

        private long age() {
            return nanoTime.getAsLong() - goodAt;
        }

        private synchronized Optional<Duration> silence() {
            return silentSince == null
                    ? Optional.empty()
                    : Optional.of(Duration.ofNanos(nanoTime.getAsLong() - silentSince));
        }

        private void isNoticed() {
            if (NOTICING.isBound()) {
                NOTICING.get().accept(this::silence);
            }
        }

        private @Nullable Object instead(Call<?> call) {
            isNoticed();
            Optional<Known> last = lastGood(call);
            if (last.isPresent()) {
                return last.get().answer();
            }
            if (call.operation().equals(STATUS)) {
                return new StorageStatus.Inactive();
            }
            throw silent(call);
        }

        private synchronized Optional<Known> lastGood(Call<?> call) {
            if (!hasGood || age() >= settings.stale().toNanos()) {
                return Optional.empty();
            }
            LOG.debug("event=answered-from-cache call=\"{}\" age_ms={}", call, age() / 1_000_000);
            return Optional.of(new Known(good));
        }

        private StorageException silent(Call<?> call) {
            return new StorageException(
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.UNKNOWN,
                    call + ": the storage has not answered for "
                            + settings.patience().toMillis() + " ms, and is still being asked");
        }
    }
}

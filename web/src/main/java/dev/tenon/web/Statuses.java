package dev.tenon.web;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.StatusCache;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What storages last said of themselves, and when. Mostly that is what callers were told, which costs nothing. A storage that
 * nobody asks is asked, once at a time, and few storages at a time; nobody waits for the answer. To be asked changes nothing: a
 * storage that is not mounted stays so. What a {@link StatusCache} answers in place of a storage that is silent is none of its
 * answers.
 */
final class Statuses {
    private static final Logger LOG = LoggerFactory.getLogger(Statuses.class);
    private static final Duration FRESH = Duration.ofSeconds(15);
    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final int MOST_AT_ONCE = 8;

    /** More than a node has: callers give storages any name. */
    private static final int MOST_KEPT = 2000;

    private final Semaphore room = new Semaphore(MOST_AT_ONCE);
    private final Map<StorageId, Seen> seen = new ConcurrentHashMap<>();
    private final Map<StorageId, Long> asking = new ConcurrentHashMap<>();
    private final Map<StorageId, Supplier<Optional<Duration>>> silences = new ConcurrentHashMap<>();

    /**
     * What a storage said.
     *
     * @param status null if it failed
     * @param problem why it failed, null if it did not
     * @param time of {@link System#nanoTime}
     */
    record Seen(@Nullable StorageStatus status, @Nullable String problem, long time) {
        Duration age() {
            return Duration.ofNanos(System.nanoTime() - time);
        }
    }

    /** Takes down what a caller is told. */
    @Nullable
    Object around(Call<?> call, Supplier<@Nullable Object> next) {
        StorageId storage = call.storage();
        return storage == null ? next.get() : noted(storage, next);
    }

    private @Nullable Object noted(StorageId storage, Supplier<@Nullable Object> asked) {
        AtomicReference<Supplier<Optional<Duration>>> silence = new AtomicReference<>();
        try {
            Object answer = StatusCache.noticing(silence::set, asked);
            if (silence.get() != null) {
                isSilent(storage, silence.get());
            } else if (answer instanceof StorageStatus status) {
                saw(storage, status, null);
            }
            return answer;
        } catch (StorageException e) {
            failed(storage, e);
            throw e;
        }
    }

    private void isSilent(StorageId storage, Supplier<Optional<Duration>> silence) {
        if (silences.size() < MOST_KEPT || silences.containsKey(storage)) {
            silences.put(storage, silence);
        }
    }

    private void failed(StorageId storage, StorageException failure) {
        boolean isOfStorage = switch (failure.error()) {
            case CANCELLED, PLUGIN_BUSY, STORAGE_BUSY, TOO_MANY_CALLS -> false;
            case DEADLINE_EXCEEDED -> failure.outcome() != Outcome.NOT_STARTED;
            default -> true;
        };
        // Who gave up, or did not get as far as the storage, knows nothing of it.
        if (isOfStorage) {
            saw(storage, null, failure.getMessage());
        }
    }

    private void saw(StorageId storage, @Nullable StorageStatus status, @Nullable String problem) {
        if (seen.size() < MOST_KEPT || seen.containsKey(storage)) {
            seen.put(storage, new Seen(status, problem, System.nanoTime()));
        }
        silences.remove(storage);
    }

    /** What a storage last said. */
    Optional<Seen> of(StorageId storage) {
        return Optional.ofNullable(seen.get(storage));
    }

    /** For how long a storage has been asked in vain; empty if it is not being asked. */
    Optional<Duration> silence(StorageId storage) {
        Supplier<Optional<Duration>> known = silences.get(storage);
        Optional<Duration> ofCallers = known == null ? Optional.empty() : known.get();
        Long begin = asking.get(storage);
        return ofCallers.isPresent() || begin == null || begin == 0
                ? ofCallers
                : Optional.of(Duration.ofNanos(System.nanoTime() - begin));
    }

    /** Has those asked that have said nothing for a while, and forgets those that are no more. */
    void refresh(Collection<Storage> storages, Map<String, StoragePlugin> types) {
        Set<StorageId> present = new HashSet<>();
        for (Storage storage : storages) {
            StorageId id = storage.id();
            present.add(id);
            StoragePlugin plugin = types.get(storage.config().type());
            Seen last = seen.get(id);
            if (plugin != null
                    && (last == null || last.age().compareTo(FRESH) > 0)
                    && asking.putIfAbsent(id, 0L) == null) {
                Thread.ofVirtual().name("web-status-" + id).start(() -> ask(plugin, storage));
            }
        }
        seen.keySet().retainAll(present);
        silences.keySet().retainAll(present);
    }

    /** One that hangs is left behind after a while, on its thread, and is not asked again before it has answered. */
    private void ask(StoragePlugin plugin, Storage storage) {
        try {
            room.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            asking.remove(storage.id());
            return;
        }
        try {
            asking.put(storage.id(), System.nanoTime());
            CompletableFuture<Boolean> done = new CompletableFuture<>();
            Thread.ofPlatform().daemon().name("web-ask-" + storage.id()).start(() -> {
                try {
                    noted(storage.id(), () -> plugin.status(storage, OperationCache.create()));
                } catch (StorageException e) {
                    LOG.debug("event=web-status-refused storage={} reason=\"{}\"", storage.id(), e.getMessage());
                } catch (RuntimeException | Error e) {
                    LOG.error("event=web-status-failed storage={}", storage.id(), e);
                    saw(storage.id(), null, "its plugin has a fault: " + e);
                } finally {
                    asking.remove(storage.id());
                    done.complete(true);
                }
            });
            done.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            LOG.debug("event=web-storage-silent storage={}", storage.id());
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            room.release();
        }
    }
}

package dev.tenon.core.compare;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes recorded calls on another plugin, and compares what it says with what was said then. What changes a storage is made
 * only on those that are there for it. Not safe for use by several threads.
 */
public final class Replay {
    /** What is another value at another time, or in another place that holds the same. */
    private static final Set<String> MOVING = Set.of("ctime", "timestamp", "total", "available", "used");

    /** They change what is outside of the storage, such as files of secrets, wherever its path is said to be. */
    private static final Set<String> HOOKS = Set.of("onAdd", "onUpdate", "onDelete");

    private final StoragePlugin candidate;
    private final Judge judge;
    private final Set<StorageId> own;
    private final Consumer<Compared> results;
    private final Map<StorageId, Storage> active = new HashMap<>();
    private long changesLeftOut;
    private long hooksLeftOut;

    /**
     * On a plugin.
     *
     * @param own the storages that may be changed
     * @param results is told of each call that was made
     */
    public Replay(StoragePlugin candidate, Rules rules, Set<StorageId> own, Consumer<Compared> results) {
        this.candidate = candidate;
        this.judge = new Judge(rules);
        this.own = Set.copyOf(own);
        this.results = results;
    }

    /** How many calls were not made because they change a storage that is not there for it. */
    public long changesLeftOut() {
        return changesLeftOut;
    }

    /** How many calls were not made because they tell a plugin that a storage is added, changed or removed. */
    public long hooksLeftOut() {
        return hooksLeftOut;
    }

    /** Makes a call, if it may be made. */
    public void make(Call<?> call, Answer recorded) {
        if (HOOKS.contains(call.operation())) {
            hooksLeftOut++;
            return;
        }
        StorageId storage = call.storage();
        boolean isOwn = storage != null && own.contains(storage);
        if (call.effect() == Call.Effect.CHANGES && !isOwn) {
            changesLeftOut++;
            return;
        }
        call.argument(Storage.class)
                .filter(given -> isOwn && !active.containsKey(given.id()))
                .ifPresent(this::activate);
        Compared.Question question = Compared.Question.of(call);
        Answer now = Answer.of(() -> whole(call.on(candidate)));
        List<Compared.Judged> judged = Differences.between(recorded, now).stream()
                .map(difference -> judged(question, difference, isOwn))
                .toList();
        results.accept(new Compared(question, recorded, now, judged));
    }

    /** Frees the images in these of the storages that may be changed, as far as calls were about them. */
    public void free(Set<StorageId> emptied) {
        active.values().stream()
                .filter(storage -> emptied.contains(storage.id()))
                .forEach(storage -> ScratchVolumes.free(candidate, storage));
    }

    private void activate(Storage storage) {
        active.put(storage.id(), storage);
        try {
            candidate.activateStorage(storage, OperationCache.create());
        } catch (StorageException e) {
            // what is asked of it next shows it
        }
    }

    /** Work that a call leaves for later is done at once. */
    private static @Nullable Object whole(@Nullable Object answer) {
        if (answer instanceof Optional<?> left && left.orElse(null) instanceof Cleanup cleanup) {
            cleanup.run();
            return Optional.empty();
        }
        return answer;
    }

    private Compared.Judged judged(Compared.Question question, Difference difference, boolean isOwn) {
        Compared.Judged judged = judge.judge(question, difference);
        String field = difference.field().substring(difference.field().lastIndexOf('.') + 1);
        boolean isMoving = MOVING.contains(field) || (isOwn && question.method().equals("identity"));
        return judged instanceof Compared.Judged.Unexplained && isMoving
                ? new Compared.Judged.Noise(difference)
                : judged;
    }
}

package dev.tenon.it.sidebyside;

import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Chooses what is done to a storage next: mostly what is sensible for the volumes that there are, and now and then what is
 * deliberately wrong.
 *
 * @param <T> what is chosen
 */
abstract class Choice<T extends @Nullable Object> {
    final Random random;
    private final Shares shares;
    private List<Listed> volumes = List.of();

    /**
     * How often what is done.
     *
     * @param wrong percent of what is wrong
     * @param look percent of questions
     * @param count percent of what makes more volumes, or fewer; the rest changes one
     * @param most how many volumes there are before one has to go
     */
    record Shares(int wrong, int look, int count, int most) {}

    Choice(Random random, Shares shares) {
        this.random = random;
        this.shares = shares;
    }

    T next() {
        if (volumes.isEmpty()) {
            return alloc();
        }
        int percent = random.nextInt(100);
        if (percent < shares.wrong()) {
            return wrong();
        }
        if (percent < shares.wrong() + shares.look()) {
            return look();
        }
        if (percent < shares.wrong() + shares.look() + shares.count()) {
            return volumes.size() < shares.most() ? more() : free(any(_ -> true));
        }
        return change();
    }

    abstract T alloc();

    /** A volume more, if there is one already. */
    abstract T more();

    abstract T free(Listed volume);

    abstract T change();

    abstract T look();

    abstract T wrong();

    /** What there is now. */
    void listed(List<Listed> listed) {
        volumes = listed;
    }

    List<Listed> volumes() {
        return volumes;
    }

    /** One of these, or of all if there is none; now and then an unfit one. */
    Listed any(Predicate<Listed> fit) {
        List<Listed> candidates = volumes.stream().filter(fit).toList();
        return candidates.isEmpty() || random.nextInt(12) == 0 ? pick(volumes) : pick(candidates);
    }

    <E> E pick(List<E> items) {
        return items.get(random.nextInt(items.size()));
    }
}

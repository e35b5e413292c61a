package dev.tenon.core.compare;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.DelegatingPlugin;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks two plugins the same. Meant for calls that change nothing: each is made on the old plugin twice, to learn which
 * fields move by themselves, and on the new one. Safe for use by many threads.
 */
public final class Comparison {
    /** A difference that is gone when both are asked again is noise. */
    private static final int TRIES = 3;

    /** Other programs change a disk by more at one time than at another. */
    private static final int TIMES = 16;

    private final StoragePlugin old;
    private final StoragePlugin candidate;
    private final Judge judge;
    private final Random random;
    private final Consumer<Compared> results;

    /**
     * Compares what two plugins answer.
     *
     * @param seed decides which of the two is asked first
     * @param results is told of each call, on the thread that made it
     */
    public Comparison(StoragePlugin old, StoragePlugin candidate, Rules rules, long seed, Consumer<Compared> results) {
        this.old = old;
        this.candidate = candidate;
        this.judge = new Judge(rules, TIMES);
        this.random = new Random(seed);
        this.results = results;
    }

    /** A plugin that answers as the old one does, and has each call compared. */
    public StoragePlugin plugin() {
        return new DelegatingPlugin() {
            @Override
            @SuppressWarnings({"unchecked", "NullAway"}) // the old plugin answers with what the call answers with
            protected <T extends @Nullable Object> T make(Call<T> call) {
                Compared compared = ask(call);
                results.accept(compared);
                return switch (compared.old()) {
                    case Answer.Value(Object value, var _) -> (T) value;
                    case Answer.Refusal refusal ->
                        throw new StorageException(refusal.error(), refusal.outcome(), refusal.text());
                };
            }
        };
    }

    private Compared ask(Call<?> call) {
        boolean isOldFirst = random.nextBoolean();
        Answer early = isOldFirst ? Answer.of(call, old) : null;
        Answer ofCandidate = Answer.of(call, candidate);
        Answer ofOld = early == null ? Answer.of(call, old) : early;
        learn(call, ofOld, Answer.of(call, old));
        return compare(call, ofOld, ofCandidate);
    }

    /** Learns from two answers of the old plugin, between which nothing was changed, what moves by itself. */
    void learn(Call<?> call, Answer one, Answer again) {
        judge.learn(Compared.Question.of(call), one, again);
    }

    /** What the answers of both to one call show. After a difference both are asked again. */
    Compared compare(Call<?> call, Answer ofOld, Answer ofCandidate) {
        Compared.Question question = Compared.Question.of(call);
        List<Difference> found = Differences.between(ofOld, ofCandidate);
        Set<Difference> gone = new HashSet<>();
        for (int tries = 1; tries < TRIES && hasNews(question, found, gone); tries++) {
            Answer before = Answer.of(call, old);
            Answer ofNew = Answer.of(call, candidate);
            Answer after = Answer.of(call, old);
            List<Difference> fromBefore = Differences.between(before, ofNew);
            List<Difference> fromAfter = Differences.between(after, ofNew);
            List<Difference> moved = Differences.between(before, after);
            found.stream()
                    .filter(difference -> !difference.isAmong(fromBefore)
                            || !difference.isAmong(fromAfter)
                            || isMove(difference, moved, fromBefore, fromAfter))
                    .forEach(gone::add);
        }
        List<Compared.Judged> judged = new ArrayList<>();
        found.forEach(difference -> judged.add(judge(question, difference, gone)));
        return new Compared(question, ofOld, ofCandidate, judged);
    }

    private boolean hasNews(Compared.Question question, List<Difference> found, Set<Difference> gone) {
        return found.stream()
                .anyMatch(difference -> judge(question, difference, gone) instanceof Compared.Judged.Unexplained);
    }

    /** Whether the old plugin's own answers, just before and just after, are about as far apart. */
    private static boolean isMove(
            Difference difference, List<Difference> moved, List<Difference> fromBefore, List<Difference> fromAfter) {
        return difference
                .in(moved)
                .map(move -> move.distance() == Double.POSITIVE_INFINITY
                        || Math.min(distance(difference, fromBefore), distance(difference, fromAfter))
                                <= move.distance() * TIMES)
                .orElse(false);
    }

    private static double distance(Difference difference, List<Difference> others) {
        return difference.in(others).map(Difference::distance).orElse(0.0);
    }

    private Compared.Judged judge(Compared.Question question, Difference difference, Set<Difference> gone) {
        Compared.Judged judged = judge.judge(question, difference);
        return judged instanceof Compared.Judged.Unexplained && gone.contains(difference)
                ? new Compared.Judged.Noise(difference)
                : judged;
    }
}

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
        this.judge = new Judge(rules);
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
            Answer again = Answer.of(call, old);
            List<Difference> later = Differences.between(again, Answer.of(call, candidate));
            found.stream().filter(difference -> !isAmong(difference, later)).forEach(gone::add);
        }
        List<Compared.Judged> judged = new ArrayList<>();
        found.forEach(difference -> judged.add(judge(question, difference, gone)));
        return new Compared(question, ofOld, ofCandidate, judged);
    }

    private boolean hasNews(Compared.Question question, List<Difference> found, Set<Difference> gone) {
        return found.stream()
                .anyMatch(difference -> judge(question, difference, gone) instanceof Compared.Judged.Unexplained);
    }

    /** At the same place, whatever the values are now. */
    private static boolean isAmong(Difference difference, List<Difference> others) {
        return others.stream()
                .anyMatch(other -> other.field().equals(difference.field())
                        && other.subject().equals(difference.subject()));
    }

    private Compared.Judged judge(Compared.Question question, Difference difference, Set<Difference> gone) {
        Compared.Judged judged = judge.judge(question, difference);
        return judged instanceof Compared.Judged.Unexplained && gone.contains(difference)
                ? new Compared.Judged.Noise(difference)
                : judged;
    }
}

package dev.tenon.core.compare;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a comparison found.
 *
 * @param about what was compared, and how
 * @param verdict what it means
 * @param reasons of the verdict, in sentences; never empty
 * @param matrix how often each method was asked of each storage, and what came of it
 * @param mismatches the differences that nobody has explained, one for each method, storage, field
 *     and kind, which is what is said without names and numbers
 * @param explained the rules that explained differences
 * @param stale rules that explained nothing
 * @param times how long the calls of each method took
 */
public record Report(
        About about,
        Verdict verdict,
        List<String> reasons,
        SortedMap<Place, Cell> matrix,
        List<Mismatch> mismatches,
        List<Explained> explained,
        List<Rule> stale,
        SortedMap<String, Times> times) {
    public Report {
        reasons = List.copyOf(reasons);
        matrix = Collections.unmodifiableSortedMap(new TreeMap<>(matrix));
        mismatches = List.copyOf(mismatches);
        explained = List.copyOf(explained);
        stale = List.copyOf(stale);
        times = Collections.unmodifiableSortedMap(new TreeMap<>(times));
    }

    /**
     * What was compared.
     *
     * @param old the old plugin, as the caller names it
     * @param candidate the new one
     * @param facts what else makes the comparison repeatable, for instance hashes of files and versions, by their names
     * @param seed of what was chosen at random
     * @param command the command that makes the comparison again
     */
    public record About(
            String old,
            String candidate,
            SortedMap<String, String> facts,
            Instant begin,
            Instant end,
            long seed,
            String command) {
        public About {
            facts = Collections.unmodifiableSortedMap(new TreeMap<>(facts));
        }
    }

    /**
     * A method of a storage.
     *
     * @param storage empty for what is asked of the type
     */
    public record Place(String method, String storage) implements Comparable<Place> {
        @Override
        public int compareTo(Place other) {
            int byMethod = method.compareTo(other.method);
            return byMethod != 0 ? byMethod : storage.compareTo(other.storage);
        }
    }

    /**
     * How many calls there were, by their worst difference.
     *
     * @param calls all of them
     */
    public record Cell(int calls, int equal, int noise, int explained, int unexplained) {
        static final Cell EMPTY = new Cell(0, 0, 0, 0, 0);

        Cell plus(Compared compared) {
            boolean isUnexplained = !compared.unexplained().isEmpty();
            boolean isExplained =
                    !isUnexplained && compared.judged().stream().anyMatch(Compared.Judged.Explained.class::isInstance);
            boolean isNoise = !isUnexplained && !isExplained && !compared.isEqual();
            return new Cell(
                    calls + 1,
                    equal + (compared.isEqual() ? 1 : 0),
                    noise + (isNoise ? 1 : 0),
                    explained + (isExplained ? 1 : 0),
                    unexplained + (isUnexplained ? 1 : 0));
        }
    }

    /**
     * A difference that nobody has explained.
     *
     * @param question the first call that showed it
     * @param count how many calls show it
     */
    public record Mismatch(Compared.Question question, Difference difference, int count) {}

    /**
     * A rule, and the first difference that it explained.
     *
     * @param count how many differences it explained
     */
    public record Explained(Rule rule, Compared.Question question, Difference difference, int count) {}

    /** How long calls took: the median, and what one of a hundred takes longer than. */
    public record Times(Duration oldP50, Duration oldP99, Duration candidateP50, Duration candidateP99) {}

    /** The cells of each method and storage, by method. */
    public Map<String, SortedMap<String, Cell>> byMethod() {
        SortedMap<String, SortedMap<String, Cell>> result = new TreeMap<>();
        matrix.forEach((place, cell) -> result.computeIfAbsent(place.method(), ignored -> new TreeMap<>())
                .put(place.storage(), cell));
        return result;
    }

    /** All cells in one. */
    public Cell total() {
        return matrix.values().stream()
                .reduce(
                        Cell.EMPTY,
                        (a, b) -> new Cell(
                                a.calls + b.calls,
                                a.equal + b.equal,
                                a.noise + b.noise,
                                a.explained + b.explained,
                                a.unexplained + b.unexplained));
    }
}

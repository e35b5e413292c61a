package dev.tenon.core.compare;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Gathers what calls showed and draws the conclusion. Safe for use by many threads. */
public final class Results implements Consumer<Compared> {
    private static final int MEDIAN = 50;
    private static final int TAIL = 99;
    private static final int PERCENT = 100;

    /** How many times of one method are kept: the first ones tell enough. */
    private static final int MOST_TIMES = 10_000;

    /** A median is slow that is so many times what one call of the old plugin in a hundred takes, and that much longer. */
    private static final int MANY_TIMES = 3;

    private static final Duration MUCH = Duration.ofMillis(200);
    private static final int FEWEST = 5;

    /** So many kinds of differences of one field are told; the rest is counted as one. */
    private static final int MOST_KINDS = 20;

    private final Rules rules;

    // guarded by this
    private final SortedMap<Report.Place, Report.Cell> matrix = new TreeMap<>();
    private final Map<Where, Report.Mismatch> mismatches = new LinkedHashMap<>();
    private final Map<Rule, Report.Explained> explained = new HashMap<>();
    private final Map<String, List<Duration[]>> times = new HashMap<>();

    /**
     * What is told once.
     *
     * @param kind what both say, without names and numbers; empty if there are more kinds than are told
     */
    private record Where(Report.Place place, String field, String kind) {}

    public Results(Rules rules) {
        this.rules = rules;
    }

    @Override
    public synchronized void accept(Compared compared) {
        Compared.Question question = compared.question();
        Report.Place place = place(question);
        matrix.merge(place, Report.Cell.EMPTY.plus(compared), (before, _) -> before.plus(compared));
        for (Compared.Judged judged : compared.judged()) {
            Difference difference = judged.difference();
            switch (judged) {
                case Compared.Judged.Unexplained _ ->
                    mismatches.merge(
                            where(place, difference),
                            new Report.Mismatch(question, difference, 1),
                            (first, _) -> new Report.Mismatch(first.question(), first.difference(), first.count() + 1));
                case Compared.Judged.Explained(var _, Rule rule) ->
                    explained.merge(
                            rule,
                            new Report.Explained(rule, question, difference, 1),
                            (first, _) -> new Report.Explained(
                                    rule, first.question(), first.difference(), first.count() + 1));
                case Compared.Judged.Noise _ -> {
                    // counted in the matrix
                }
            }
        }
        List<Duration[]> ofMethod = times.computeIfAbsent(question.method(), ignored -> new ArrayList<>());
        if (ofMethod.size() < MOST_TIMES) {
            ofMethod.add(
                    new Duration[] {compared.old().time(), compared.candidate().time()});
        }
    }

    private Where where(Report.Place place, Difference difference) {
        Where where = new Where(place, difference.field(), difference.kind());
        long others = mismatches.keySet().stream()
                .filter(other -> other.place.equals(place) && other.field.equals(difference.field()))
                .count();
        return mismatches.containsKey(where) || others < MOST_KINDS ? where : new Where(place, difference.field(), "");
    }

    static Report.Place place(Compared.Question question) {
        return new Report.Place(
                question.method(),
                question.storage() == null ? "" : question.storage().value());
    }

    /**
     * The report on what has been gathered so far.
     *
     * @param notCompared what was left out, in sentences; each keeps the verdict from being {@code GO}
     */
    public synchronized Report report(Report.About about, List<String> notCompared) {
        List<Rule> stale = rules.rules().stream()
                .filter(rule -> !explained.containsKey(rule))
                .toList();
        SortedMap<String, Report.Times> measured = new TreeMap<>();
        times.forEach((method, list) -> measured.put(
                method,
                new Report.Times(
                        percentile(list, 0, MEDIAN),
                        percentile(list, 0, TAIL),
                        percentile(list, 1, MEDIAN),
                        percentile(list, 1, TAIL))));
        List<String> reasons = new ArrayList<>();
        List<String> exceptions = new ArrayList<>(notCompared);
        measured.forEach((method, took) -> {
            if (isSlow(took) && Objects.requireNonNull(times.get(method)).size() >= FEWEST) {
                exceptions.add("Half of the calls of '" + method + "' take longer than "
                        + took.candidateP50().toMillis() + " ms, and with the old plugin "
                        + took.oldP50().toMillis() + " ms.");
            }
        });
        Verdict verdict = conclude(stale, exceptions, reasons);
        List<Report.Explained> taken = rules.rules().stream()
                .map(explained::get)
                .filter(Objects::nonNull)
                .distinct()
                .toList();
        return new Report(about, verdict, reasons, matrix, List.copyOf(mismatches.values()), taken, stale, measured);
    }

    private static boolean isSlow(Report.Times took) {
        Duration most = took.oldP99();
        return took.candidateP50().compareTo(most.multipliedBy(MANY_TIMES)) > 0
                && took.candidateP50().compareTo(most.plus(MUCH)) > 0;
    }

    private Verdict conclude(List<Rule> stale, List<String> exceptions, List<String> reasons) {
        if (matrix.isEmpty()) {
            reasons.add("Nothing was compared.");
        }
        if (!mismatches.isEmpty()) {
            reasons.add(counted(mismatches.size(), "difference") + " nobody has explained.");
        }
        stale.forEach(rule ->
                reasons.add("The rule for " + rule + " explains nothing any more: remove it, or find out why."));
        if (!reasons.isEmpty()) {
            return Verdict.NO_GO;
        }
        if (!explained.isEmpty()) {
            reasons.add("What differs is explained by " + explained.size() + " of the rules.");
        }
        reasons.addAll(exceptions);
        if (!reasons.isEmpty()) {
            return Verdict.GO_WITH_EXCEPTIONS;
        }
        reasons.add("All answers say the same.");
        return Verdict.GO;
    }

    private static String counted(int count, String what) {
        return count == 1 ? "There is 1 " + what + " that" : "There are " + count + " " + what + "s that";
    }

    private static Duration percentile(List<Duration[]> times, int side, int percent) {
        List<Duration> sorted = times.stream().map(pair -> pair[side]).sorted().toList();
        return sorted.get(Math.min(sorted.size() - 1, sorted.size() * percent / PERCENT));
    }
}

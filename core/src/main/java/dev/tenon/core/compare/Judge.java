package dev.tenon.core.compare;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Says what differences mean, by the rules of a team and by what was seen to change by itself. */
final class Judge {
    private final Rules rules;

    /** How far each moved at most; infinitely if it is no number. */
    private final Map<Moving, Double> moving = new ConcurrentHashMap<>();

    private final double times;

    /** A field of the answers of one method that moves by itself. */
    private record Moving(String method, String field) {}

    /**
     * By these rules.
     *
     * @param times a number that is further from the old one than so many times its largest move did not move by itself
     */
    Judge(Rules rules, double times) {
        this.rules = rules;
        this.times = times;
    }

    /** The same, for which a number that moves may be any. */
    Judge(Rules rules) {
        this(rules, Double.POSITIVE_INFINITY);
    }

    /** Learns from two answers of the same plugin which fields move. */
    void learn(Compared.Question question, Answer one, Answer again) {
        Differences.between(one, again)
                .forEach(difference -> moving.merge(
                        new Moving(question.method(), difference.field()), difference.distance(), Math::max));
    }

    Compared.Judged judge(Compared.Question question, Difference difference) {
        Rule rule = rules.explaining(question, difference);
        if (rule != null) {
            return new Compared.Judged.Explained(difference, rule);
        }
        Double most = moving.get(new Moving(question.method(), difference.field()));
        boolean isNoise = most != null && (most.isInfinite() || difference.distance() <= most * times);
        return isNoise ? new Compared.Judged.Noise(difference) : new Compared.Judged.Unexplained(difference);
    }
}

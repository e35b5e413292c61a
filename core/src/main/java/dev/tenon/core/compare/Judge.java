package dev.tenon.core.compare;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Says what differences mean, by the rules of a team and by what was seen to change by itself. */
final class Judge {
    private final Rules rules;
    private final Set<Moving> moving = ConcurrentHashMap.newKeySet();

    /** A field of the answers of one method that moves by itself. */
    private record Moving(String method, String field) {}

    Judge(Rules rules) {
        this.rules = rules;
    }

    /** Learns from two answers of the same plugin which fields move. */
    void learn(Compared.Question question, Answer one, Answer again) {
        Differences.between(one, again)
                .forEach(difference -> moving.add(new Moving(question.method(), difference.field())));
    }

    Compared.Judged judge(Compared.Question question, Difference difference) {
        Rule rule = rules.explaining(question, difference);
        if (rule != null) {
            return new Compared.Judged.Explained(difference, rule);
        }
        return moving.contains(new Moving(question.method(), difference.field()))
                ? new Compared.Judged.Noise(difference)
                : new Compared.Judged.Unexplained(difference);
    }
}

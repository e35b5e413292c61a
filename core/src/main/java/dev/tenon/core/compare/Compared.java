package dev.tenon.core.compare;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One call, made on two plugins.
 *
 * @param judged what differs, and what that means; empty if the answers say the same
 */
public record Compared(Question question, Answer old, Answer candidate, List<Judged> judged) {
    public Compared {
        judged = List.copyOf(judged);
    }

    /**
     * What was asked.
     *
     * @param method the method of {@link dev.tenon.core.spi.StoragePlugin}
     * @param storage null if the call is about the type alone
     * @param arguments the others, as text
     */
    public record Question(String method, @Nullable StorageId storage, List<String> arguments) {
        public Question {
            arguments = List.copyOf(arguments);
        }

        static Question of(Call<?> call) {
            return new Question(
                    call.operation(),
                    call.storage(),
                    call.arguments().stream()
                            .filter(argument -> !(argument instanceof Storage || argument instanceof OperationCache))
                            .map(argument -> Objects.toString(argument, "null"))
                            .toList());
        }

        @Override
        public String toString() {
            return method + "(" + String.join(", ", arguments) + ")"
                    + (storage == null ? "" : " of storage '" + storage + "'");
        }
    }

    /** A difference, and what it means. */
    public sealed interface Judged {
        Difference difference();

        /** The field moves by itself: the old plugin's own answers differ in it, or it is equal when asked again. */
        record Noise(Difference difference) implements Judged {}

        /** A team accepts it. */
        record Explained(Difference difference, Rule rule) implements Judged {}

        /** Nobody has said why. */
        record Unexplained(Difference difference) implements Judged {}
    }

    /** Whether nothing differs, noise included. */
    public boolean isEqual() {
        return judged.isEmpty();
    }

    /** The differences that nobody has explained. */
    public List<Difference> unexplained() {
        return judged.stream()
                .filter(Judged.Unexplained.class::isInstance)
                .map(Judged::difference)
                .toList();
    }
}

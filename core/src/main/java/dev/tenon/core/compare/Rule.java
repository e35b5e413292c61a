package dev.tenon.core.compare;

import dev.tenon.core.spi.StorageId;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A difference that a team has looked at and accepts, with the reason and who is responsible.
 *
 * @param method the method of {@link dev.tenon.core.spi.StoragePlugin}; {@code *} for any text, also as a part of it
 * @param storage the storage, null for all
 * @param field as in {@link Difference#field} or in {@link Difference#place}, with {@code *} for any text
 * @param reason why it is no harm, in the team's words
 * @param owner who decided so
 */
public record Rule(
        String method, @Nullable String storage, String field, Tolerance tolerance, String reason, String owner) {
    /** Which part of a difference is accepted. */
    public sealed interface Tolerance {
        /** All of it. */
        record Ignore() implements Tolerance {}

        /** Numbers that are at most so far apart. */
        record Within(double most) implements Tolerance {}

        /** What the old plugin says and what the new one says, with {@code *} for any text. */
        record Matching(String old, String candidate) implements Tolerance {}

        /** These texts of the old plugin instead of those of the new one. */
        record Mapped(Map<String, String> values) implements Tolerance {
            public Mapped {
                values = Map.copyOf(values);
            }
        }
    }

    /** Whether it accepts this difference in an answer to a call. */
    boolean explains(String operation, @Nullable StorageId id, Difference difference) {
        return matches(method, operation)
                && (storage == null || (id != null && storage.equals(id.value())))
                && (matches(field, difference.field()) || matches(field, difference.place()))
                && isTaken(difference);
    }

    private boolean isTaken(Difference difference) {
        return switch (tolerance) {
            case Tolerance.Ignore() -> true;
            case Tolerance.Within(double most) -> difference.distance() <= most;
            case Tolerance.Matching(String old, String candidate) ->
                matches(old, difference.old()) && matches(candidate, difference.candidate());
            case Tolerance.Mapped(Map<String, String> values) ->
                difference.candidate().equals(values.get(difference.old()));
        };
    }

    private static boolean matches(String pattern, String text) {
        String expression =
                Stream.of(pattern.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*"));
        return Pattern.compile(expression, Pattern.DOTALL).matcher(text).matches();
    }

    @Override
    public String toString() {
        return "method '" + method + "', field '" + field + "'"
                + (storage == null ? "" : ", storage '" + storage + "'")
                + (tolerance instanceof Tolerance.Matching(String old, String candidate)
                        ? ", '" + old + "' and '" + candidate + "'"
                        : "");
    }
}

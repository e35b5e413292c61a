package dev.tenon.it.sidebyside;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * An operation under the storage's lock.
 *
 * @param enter when the lock was held, in nanoseconds of {@code CLOCK_MONOTONIC}
 * @param leave when it was about to be let go
 */
record Held(String worker, long enter, long leave, Operation operation, Answer answer) {
    /** As the Perl workers tell it. */
    static Held parse(String worker, String line, Path directory) {
        try {
            Map<String, Object> told = JSON.std.mapFrom(line);
            List<?> words = (List<?>) Objects.requireNonNull(told.get("operation"));
            Object error = told.get("error");
            return new Held(
                    worker,
                    Long.parseLong(String.valueOf(told.get("enter"))),
                    Long.parseLong(String.valueOf(told.get("leave"))),
                    new Operation(String.valueOf(words.getFirst()), new ArrayList<>(words.subList(1, words.size()))),
                    error == null
                            ? Answer.of(told.get("result"), directory.toString())
                            : Answer.refused(error.toString(), directory.toString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

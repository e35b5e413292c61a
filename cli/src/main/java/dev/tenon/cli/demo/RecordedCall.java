package dev.tenon.cli.demo;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call that the Perl program made.
 *
 * @param args its positional arguments, as plain JSON
 * @param result what came back, as plain JSON; null also if it failed
 * @param error what it died with, null if it did not
 */
record RecordedCall(
        String method,
        List<@Nullable Object> args,
        @Nullable Object result,
        @Nullable String error) {

    /**
     * Reads a line that the program printed.
     *
     * @throws IOException if it is no such line
     */
    static RecordedCall parse(String line) throws IOException {
        Map<String, Object> json = JSON.std.mapFrom(line);
        if (json.get("method") instanceof String method && json.get("args") instanceof List<?> args) {
            return new RecordedCall(
                    method,
                    List.copyOf(args.stream()
                            .map(argument -> argument == null ? Undefined.UNDEF : argument)
                            .toList()),
                    json.get("result"),
                    (String) json.get("error"));
        }
        throw new IOException("the Perl program printed a line that is not a call: " + line);
    }

    /** JSON's null among the arguments, which immutable lists cannot hold. */
    enum Undefined {
        UNDEF
    }
}

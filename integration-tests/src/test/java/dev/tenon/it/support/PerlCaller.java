package dev.tenon.it.support;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A Perl program that calls a plugin class as PVE does, one call after the other, as the test says. */
public final class PerlCaller {
    private final PerlProgram perl;
    private final String plugin;

    /**
     * What a call came to.
     *
     * @param result text, lists and maps; null if it was undef or the call died
     * @param error what it died with as text, null if it did not
     * @param errorClass the class of what it died with, empty for text
     * @param exception the fields of an object that it died with, null if it was text
     * @param tainted the places in the result that Perl distrusts
     * @param arguments those of the call, as they are afterwards
     * @param ran the arguments that code refs of the call were called with
     */
    public record Answer(
            @Nullable Object result,
            @Nullable String error,
            @Nullable String errorClass,
            @Nullable Object exception,
            List<?> tainted,
            List<?> arguments,
            List<?> ran) {

        /** The error; fails if there is none. */
        public String died() {
            if (error == null) {
                throw new AssertionError("the call did not die, it answered " + result);
            }
            return error;
        }

        /** The result; fails if the call died. */
        public @Nullable Object value() {
            if (error != null) {
                throw new AssertionError("the call died: " + error);
            }
            return result;
        }

        /** The result, which must be a list. */
        public List<?> list() {
            if (value() instanceof List<?> list) {
                return list;
            }
            throw new AssertionError("no list: " + result);
        }
    }

    private PerlCaller(PerlProgram perl, String plugin) {
        this.perl = perl;
        this.plugin = plugin;
    }

    public static PerlCaller start(Scratch scratch, String... options) {
        return startAt(DaemonProcess.socketIn(scratch), scratch, options);
    }

    /** Starts one that calls the daemon at another socket. */
    public static PerlCaller startAt(Path socket, Scratch scratch, String... options) {
        PerlProgram perl =
                PerlProgram.startAt(socket, scratch, List.of(options), Installation.resource("perl/driver.pl"));
        String ready = perl.line();
        if (!ready.equals(List.of(options).contains("-T") ? "ready 1" : "ready 0")) {
            throw new AssertionError(ready + perl.errors());
        }
        return new PerlCaller(perl, "dir");
    }

    /** The same program, calling another plugin of the daemon through a proxy class of its own. */
    public PerlCaller calling(String type) {
        return new PerlCaller(perl, type);
    }

    /** Stands for a hash that is the same whenever the name is the same. */
    public static Map<String, String> cache(String name) {
        return Map.of("$cache", name);
    }

    /** Stands for a code ref that returns this. */
    public static Map<String, Object> code(String result) {
        return Map.of("$code", result);
    }

    public Answer list(String method, @Nullable Object... arguments) {
        return call("list", method, arguments);
    }

    public Answer scalar(String method, @Nullable Object... arguments) {
        return call("scalar", method, arguments);
    }

    public Answer nothing(String method, @Nullable Object... arguments) {
        return call("void", method, arguments);
    }

    private Answer call(String context, String method, @Nullable Object... arguments) {
        begin(context, method, arguments);
        return answer();
    }

    /** A call whose text is sent as it is, a byte for each character; for text that is no UTF-8. */
    public Answer octets(String context, String method, @Nullable Object... arguments) {
        perl.say(json(context, method, arguments)
                .chars()
                .mapToObj(c -> c < 128 ? String.valueOf((char) c) : String.format("\\u%04x", c))
                .collect(Collectors.joining()));
        return answer();
    }

    /** Begins a call whose {@link #answer()} the test will read. */
    public void begin(String context, String method, @Nullable Object... arguments) {
        perl.say(octets(json(context, method, arguments)));
    }

    private String json(String context, String method, @Nullable Object... arguments) {
        Map<String, Object> call = new LinkedHashMap<>();
        call.put("context", context);
        call.put("plugin", plugin);
        call.put("method", method);
        call.put("args", Arrays.asList(arguments));
        try {
            return JSON.std.asString(call);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Perl's text is octets: each byte of UTF-8 becomes a character of its own, below 256, as JSON writes it. */
    private static String octets(String json) {
        StringBuilder text = new StringBuilder();
        for (byte octet : json.getBytes(StandardCharsets.UTF_8)) {
            if (octet < 0) {
                text.append(String.format("\\u%04x", Byte.toUnsignedInt(octet)));
            } else {
                text.append((char) octet);
            }
        }
        return text.toString();
    }

    public Answer answer() {
        try {
            Map<String, Object> json = JSON.std.mapFrom(perl.json());
            return new Answer(
                    json.get("result"),
                    (String) json.get("error"),
                    (String) json.get("class"),
                    json.get("exception"),
                    json.get("tainted") instanceof List<?> tainted ? tainted : List.of(),
                    json.get("args") instanceof List<?> arguments ? arguments : List.of(),
                    json.get("ran") instanceof List<?> ran ? ran : List.of());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public PerlProgram program() {
        return perl;
    }
}

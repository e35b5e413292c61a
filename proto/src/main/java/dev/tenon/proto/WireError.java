package dev.tenon.proto;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An error as it crosses.
 *
 * @param code the number; one that this side does not know is kept and treated as {@link ErrorCode#INTERNAL}
 * @param message one sentence for people, without a trailing newline unless it is a plugin's own text
 * @param outcome what is known about the call's effect
 * @param origin where it arose: {@code daemon}, {@code host} (a Java process that drives a plugin), {@code sidecar} or {@code client}
 * @param die what Perl's {@code die} was given, to the byte; null if the error is not a plugin's
 * @param exception the fields of a structured exception ({@code PVE::Exception}), {@link Value.Nil} if it was plain text
 * @param changed the parameters that a plugin had changed in place before it died, by name; mostly empty
 */
public record WireError(
        int code,
        String message,
        Outcome outcome,
        String origin,
        @Nullable Die die,
        Value exception,
        Value.Fields changed) {

    /**
     * The text of a {@code die}.
     *
     * @param text its bytes; UTF-8 if {@code characters}
     * @param characters whether Perl held it as characters, not bytes
     */
    public record Die(Value.Bytes text, boolean characters) {}

    public static WireError of(ErrorCode code, Outcome outcome, String origin, String message) {
        return new WireError(code.code(), message, outcome, origin, null, Value.Nil.NIL, Value.fields());
    }

    /** The row of the code; {@link ErrorCode#INTERNAL} for one that this side does not know. */
    public ErrorCode errorCode() {
        return ErrorCode.ofCode(code).orElse(ErrorCode.INTERNAL);
    }

    /** The plugin's own text, if the error is one; bytes that are no UTF-8 are shown as U+FFFD. */
    public Optional<String> dieText() {
        return Optional.ofNullable(die).map(text -> new String(text.text().bytes(), StandardCharsets.UTF_8));
    }
}

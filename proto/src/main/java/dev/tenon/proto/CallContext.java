package dev.tenon.proto;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What travels beside the parameters of a call.
 *
 * @param plugin the storage type whose plugin is called, null where the connection has only one
 * @param deadline what is left of the time the caller waits, null if the method's own limit holds
 * @param object the token of the object whose method is called, null if it is the plugin's
 * @param caller for whom a sidecar is called, null if not known: a plugin finds again what it kept for the same caller
 */
public record CallContext(
        @Nullable String plugin,
        @Nullable Duration deadline,
        @Nullable String object,
        @Nullable String caller) {
    public static final CallContext NONE = new CallContext(null, null);

    public CallContext(@Nullable String plugin, @Nullable Duration deadline) {
        this(plugin, deadline, null, null);
    }

    /** Of a call of a plugin. */
    public CallContext(@Nullable String plugin, @Nullable Duration deadline, @Nullable String caller) {
        this(plugin, deadline, null, caller);
    }

    Value.Fields toValue() {
        Map<String, Value> entries = new LinkedHashMap<>();
        if (caller != null) {
            entries.put("caller", new Value.Text(caller));
        }
        if (deadline != null) {
            entries.put("deadline_ms", new Value.Int(deadline.toMillis()));
        }
        if (object != null) {
            entries.put("object", new Value.Text(object));
        }
        if (plugin != null) {
            entries.put("plugin", new Value.Text(plugin));
        }
        return new Value.Fields(entries);
    }

    static CallContext ofValue(Value.Fields fields) {
        String plugin = text(fields, "plugin");
        Duration deadline = switch (fields.get("deadline_ms")) {
            case Value.Int(long millis) when millis >= 0 -> Duration.ofMillis(millis);
            case Value.Nil ignored -> null;
            case Value other -> throw mistyped("deadline_ms", "an integer of 0 or more", other);
        };
        return new CallContext(plugin, deadline, text(fields, "object"), text(fields, "caller"));
    }

    private static @Nullable String text(Value.Fields fields, String key) {
        return switch (fields.get(key)) {
            case Value.Text(String text) -> text;
            case Value.Nil ignored -> null;
            case Value other -> throw mistyped(key, "text", other);
        };
    }

    private static ProtocolException mistyped(String key, String wanted, Value got) {
        return new ProtocolException(
                ErrorCode.MALFORMED_FRAME,
                "the context of a request has " + got.kind() + " for '" + key + "', where " + wanted + " belongs");
    }

    public Optional<Duration> remaining() {
        return Optional.ofNullable(deadline);
    }
}

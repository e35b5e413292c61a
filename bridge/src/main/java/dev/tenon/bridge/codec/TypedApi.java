package dev.tenon.bridge.codec;

import dev.tenon.proto.Api;
import dev.tenon.proto.Method;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The rows of an API's table bound to the methods of a Java interface, by name: the row says which method it is. Rows that
 * are more than a method of the interface are written by hand.
 *
 * @param <P> the interface
 */
public final class TypedApi<P> {
    private final Api api;
    private final Map<String, Row<P>> rows = new HashMap<>();
    private final Map<String, TypedMethod> methods = new HashMap<>();

    /** How a row is called that is more than a method of the interface. */
    @FunctionalInterface
    public interface Row<P> {
        Value call(P callee, Fields params, Incoming call);
    }

    /**
     * Binds every row.
     *
     * @param byHand how the rows are called that are more than a method
     * @throws IllegalStateException if a row has no method, or one of its parameters or its answer does not fit; the message
     *     says which
     */
    public TypedApi(Api api, Class<P> type, Types types, Map<String, Row<P>> byHand) {
        this.api = api;
        Map<String, java.lang.reflect.Method> candidates = new HashMap<>();
        Arrays.stream(type.getMethods()).forEach(method -> candidates.put(method.getName(), method));
        for (Method row : api.table().methods().values()) {
            java.lang.reflect.Method java = candidates.get(row.typed());
            if (java != null) {
                TypedMethod method = TypedMethod.bind(row, java, types);
                methods.put(java.getName(), method);
                rows.put(row.name(), method::call);
            }
            if (byHand.containsKey(row.name())) {
                rows.put(row.name(), byHand.get(row.name()));
            } else if (java == null) {
                throw new IllegalStateException("the row " + row.name() + " names the method " + row.typed()
                        + ", which " + type + " does not have");
            }
        }
    }

    /** The row that a method of the interface is. */
    public TypedMethod method(String java) {
        return Objects.requireNonNull(methods.get(java), java);
    }

    /**
     * Checks the parameters against the table and calls the object.
     *
     * @throws dev.tenon.proto.ProtocolException {@code UNKNOWN_METHOD}, {@code BAD_PARAMETER}; nothing was called
     */
    public Value call(P callee, String method, Fields params, Caller caller) {
        api.method(method).checkParams(params);
        try (Incoming call = new Incoming(params, caller)) {
            return Objects.requireNonNull(rows.get(method), method).call(callee, params, call);
        }
    }

    /** An object as something whose methods are called by name. */
    public Callee callee(P object) {
        return (method, params, caller) -> call(object, method, params, caller);
    }
}

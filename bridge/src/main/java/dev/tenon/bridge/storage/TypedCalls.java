package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.proto.Method;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** A call by name and named parameters, as a call of a {@link StoragePlugin}. Its counterpart is {@link CallingPlugin}. */
public final class TypedCalls {
    private static final Map<String, TypedCall> CALLS = calls();

    /** How one method of the table is called. */
    @FunctionalInterface
    interface TypedCall {
        Value on(StoragePlugin plugin, Params params, Caller caller);
    }

    private TypedCalls() {}

    private static Map<String, TypedCall> calls() {
        Map<String, TypedCall> calls = new HashMap<>(StorageCalls.CALLS);
        calls.putAll(ConfigCalls.CALLS);
        calls.putAll(NameCalls.CALLS);
        calls.putAll(ImageCalls.CALLS);
        calls.putAll(VolumeCalls.CALLS);
        return Map.copyOf(calls);
    }

    /** The methods that can be called; all rows of the table. */
    static Set<String> methods() {
        return CALLS.keySet();
    }

    /**
     * Checks the parameters against the table and calls the plugin.
     *
     * @throws dev.tenon.proto.ProtocolException {@code UNKNOWN_METHOD}, {@code BAD_PARAMETER}
     * @throws StorageException what the plugin throws
     */
    public static Value call(StoragePlugin plugin, String method, Fields params, Caller caller) {
        Method row = StorageApi.API.method(method);
        row.checkParams(params);
        return Objects.requireNonNull(CALLS.get(method), method).on(plugin, Params.of(params), caller);
    }
}

package dev.tenon.bridge.codec;

import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;

/** An object of some API whose methods are called by name. */
@FunctionalInterface
public interface Callee {
    /**
     * Checks the parameters, makes the call, and answers as the method's row says.
     *
     * @param caller whoever called, for what came with the call
     * @throws dev.tenon.proto.ProtocolException {@code UNKNOWN_METHOD}, {@code BAD_PARAMETER}; nothing was called
     */
    Value call(String method, Fields params, Caller caller);
}

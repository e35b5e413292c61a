package dev.tenon.bridge.codec;

import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.util.ArrayDeque;
import java.util.Deque;

/** A call that came, while it is made: who made it, and what is to be closed when it is over. */
public final class Incoming implements AutoCloseable {
    /** A call without parameters and without a caller. */
    static final Incoming NONE = new Incoming(Value.fields(), Caller.NONE);

    private final Fields params;
    private final Caller caller;
    private final Deque<Runnable> endings = new ArrayDeque<>();

    public Incoming(Fields params, Caller caller) {
        this.params = params;
        this.caller = caller;
    }

    /** All parameters, as they came. */
    public Fields params() {
        return params;
    }

    public Caller caller() {
        return caller;
    }

    /** Runs this when the call is over; what was added last runs first. */
    public void atEnd(Runnable ending) {
        endings.push(ending);
    }

    @Override
    public void close() {
        RuntimeException failure = null;
        while (!endings.isEmpty()) {
            try {
                endings.pop().run();
            } catch (RuntimeException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}

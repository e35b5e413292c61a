package dev.tenon.bridge.codec;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A call that is being made: the functions that are handed over with it, and how work that it leaves is claimed. */
public final class Outgoing implements AutoCloseable {
    /** A call that hands over no functions and claims no work. */
    static final Outgoing NONE = new Outgoing(new Functions(), token -> {});

    private final Functions functions;
    private final Consumer<String> claiming;
    private final List<Functions.Handle> handles = new ArrayList<>();

    /**
     * Begins a call.
     *
     * @param claiming does the work that is left under a token
     */
    public Outgoing(Functions functions, Consumer<String> claiming) {
        this.functions = functions;
        this.claiming = claiming;
    }

    /** Hands a function over until the call is over; its number. */
    public long hand(Functions.Function function) {
        Functions.Handle handle = functions.hand(function);
        handles.add(handle);
        return handle.id();
    }

    /** Does the work that is left under this token. */
    public void claim(String token) {
        claiming.accept(token);
    }

    @Override
    public void close() {
        handles.forEach(Functions.Handle::close);
    }
}

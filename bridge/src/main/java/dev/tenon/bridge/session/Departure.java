package dev.tenon.bridge.session;

import dev.tenon.bridge.transport.Connection;
import dev.tenon.proto.Frame;
import dev.tenon.proto.Value;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** How a connection ends without a call whose fate is unknown: the peer is told which of its calls was read last. */
final class Departure {
    /**
     * The notice that this side ends the connection soon, so that calls are better made over another one. With {@code
     * last_id} it is the last but the close, and tells which call of the peer was read last; 0 if none was.
     */
    private static final String GOING_AWAY = "going_away";

    private final Connection connection;
    private final CompletableFuture<?> opened;
    private final CompletableFuture<?> closed;
    private final BooleanSupplier isIdle;
    private volatile Frame.@Nullable Close lastWords;
    private volatile long lastActive = System.nanoTime();

    // guarded by this
    private long lastRead;
    private boolean isDeaf;

    /**
     * Of one connection.
     *
     * @param isIdle whether no call of the peer is under way, and none is being answered
     */
    Departure(Connection connection, CompletableFuture<?> opened, CompletableFuture<?> closed, BooleanSupplier isIdle) {
        this.connection = connection;
        this.opened = opened;
        this.closed = closed;
        this.isIdle = isIdle;
    }

    /**
     * Lets a call of the peer in.
     *
     * @param enter makes it one that is under way
     * @return false if it came too late: it counts as one that was not read
     */
    synchronized boolean reads(long id, Runnable enter) {
        if (isDeaf) {
            return false;
        }
        lastActive = System.nanoTime();
        lastRead = id;
        enter.run();
        return true;
    }

    /** A call was answered. */
    void answered() {
        lastActive = System.nanoTime();
    }

    /** Ends the connection when no call of the peer is under way. */
    void retire(Frame.Close last) {
        lastWords = last;
        endIfRetired();
    }

    /** Ends it if that is wanted and no call is under way. */
    void endIfRetired() {
        Frame.Close last = lastWords;
        if (last == null) {
            return;
        }
        long read;
        synchronized (this) {
            if (isDeaf || !isIdle.getAsBoolean()) {
                return;
            }
            isDeaf = true;
            read = lastRead;
        }
        if (opened.isDone()) {
            connection.send(new Frame.Notify(GOING_AWAY, Value.fields("last_id", new Value.Int(read))));
        }
        connection.close(last);
    }

    /**
     * Asks the peer to make its further calls over another connection, and retires when it has made none here for a while.
     *
     * @param quiet how long it makes no call
     * @param isHeld whether the connection has to stay even so
     */
    void leave(Frame.Close last, Duration quiet, BooleanSupplier isHeld) {
        var _ = opened.thenRun(() -> connection.send(new Frame.Notify(GOING_AWAY, Value.fields())));
        connection.after(quiet, () -> retireIfQuiet(last, quiet, isHeld));
    }

    private void retireIfQuiet(Frame.Close last, Duration quiet, BooleanSupplier isHeld) {
        if (closed.isDone()) {
            return;
        }
        boolean isQuiet = opened.isDone()
                && isIdle.getAsBoolean()
                && System.nanoTime() - lastActive >= quiet.toNanos()
                && !isHeld.getAsBoolean();
        if (isQuiet) {
            retire(last);
        } else {
            connection.after(quiet, () -> retireIfQuiet(last, quiet, isHeld));
        }
    }
}

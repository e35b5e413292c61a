package dev.tenon.bridge.session;

import dev.tenon.bridge.transport.Connection;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Frame;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** What this side asks the peer, and waits for the answers. */
final class Questions {
    private final Connection connection;
    private final AtomicLong ids = new AtomicLong();
    private final Map<Long, CompletableFuture<Value>> calls = new ConcurrentHashMap<>();
    private final Map<Long, CompletableFuture<Boolean>> pings = new ConcurrentHashMap<>();
    private volatile @Nullable String ended;

    Questions(Connection connection) {
        this.connection = connection;
    }

    /** Makes a call, as {@link Session#call(String, Value.Fields, CallContext)} says. */
    Value call(String method, Value.Fields params, CallContext context)
            throws RemoteCallException, SessionClosedException, TimeoutException, InterruptedException {
        Duration limit = context.remaining().orElseThrow();
        long id = ids.incrementAndGet();
        CompletableFuture<Value> answer = new CompletableFuture<>();
        calls.put(id, answer);
        try {
            String reason = ended;
            if (reason != null) {
                throw new SessionClosedException(reason);
            }
            connection.send(new Frame.Request(id, method, params, context));
            return answer.get(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RemoteCallException remote -> throw remote;
                case SessionClosedException closed -> throw closed;
                case null, default -> throw new IllegalStateException(e);
            }
        } catch (TimeoutException e) {
            connection.send(new Frame.Cancel(id));
            throw new TimeoutException("no answer came within " + limit.toMillis() + " ms");
        } catch (InterruptedException e) {
            connection.send(new Frame.Cancel(id));
            throw e;
        } finally {
            calls.remove(id);
        }
    }

    /** Whether a ping is answered in time. */
    boolean ping(Duration limit) throws InterruptedException {
        long nonce = ids.incrementAndGet();
        CompletableFuture<Boolean> pong = new CompletableFuture<>();
        pings.put(nonce, pong);
        try {
            if (ended != null) {
                return false;
            }
            connection.send(new Frame.Ping(nonce));
            return pong.get(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException | ExecutionException e) {
            return false;
        } finally {
            pings.remove(nonce);
        }
    }

    /** Where an answer goes. A late one, to a call that was given up, completes a future that nobody holds. */
    CompletableFuture<Value> answered(long id) {
        CompletableFuture<Value> answer = calls.remove(id);
        if (answer != null) {
            return answer;
        }
        if (id > ids.get() || id < 1) {
            throw new ProtocolException(
                    ErrorCode.UNEXPECTED_FRAME, "the peer answered call " + id + ", which was never made");
        }
        return new CompletableFuture<>();
    }

    /** An answer that is no longer awaited is dropped. */
    void pong(long nonce) {
        CompletableFuture<Boolean> pong = pings.remove(nonce);
        if (pong != null) {
            pong.complete(true);
        }
    }

    /** The connection has ended, and with it whatever waits. */
    void end(String reason) {
        ended = reason;
        calls.values().forEach(answer -> answer.completeExceptionally(new SessionClosedException(reason)));
        pings.values().forEach(pong -> pong.complete(false));
    }
}

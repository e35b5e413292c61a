package dev.tenon.bridge.serve;

import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.session.IncomingCall;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a daemon is followed by another. The successor asks for the listening socket, and from then on nobody is accepted,
 * until it says that it answers. If it ends before that, or takes too long, this daemon
 * accepts again; likewise if it ends afterwards and nobody else answers. So at most one daemon accepts at any moment, and
 * there is never none for long.
 */
final class Succession {
    private static final Logger LOG = LoggerFactory.getLogger(Succession.class);

    /** The calls that a successor makes to the daemon itself. */
    static final String HAND_OVER = "hand_over";

    static final String TAKEN_OVER = "taken_over";
    static final String STOP = "stop";

    static final String TOKEN = "token";
    static final String OWNS_FILE = "owns_file";
    static final String MANAGER = "manager";

    /** How long a successor may take from the one to the other. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final Duration ANSWER = Duration.ofSeconds(2);

    private final UnixSockets.Listener listener;
    private final DescriptorSocket descriptors;
    private final Daemon.Following following;
    private final Draining draining;

    // guarded by this
    private @Nullable Session successor;
    private DescriptorSocket.@Nullable Offer offer;
    private boolean ownsFile;
    private boolean isTaken;
    private boolean isEnding;
    private CompletableFuture<Void> settled = CompletableFuture.completedFuture(null);

    /** What a daemon does when it does not accept any more. */
    interface Draining {
        /** Begins, with this successor's connection. */
        void begin(Session successor);

        /** It accepts again. */
        void cease();
    }

    Succession(
            UnixSockets.Listener listener,
            DescriptorSocket descriptors,
            Daemon.Following following,
            Draining draining) {
        this.listener = listener;
        this.descriptors = descriptors;
        this.following = following;
        this.draining = draining;
    }

    /** Answers a call of a successor. */
    Value call(IncomingCall call) {
        return switch (call.method()) {
            case HAND_OVER -> handOver(call);
            case TAKEN_OVER -> takenOver(call);
            case STOP -> stop(call);
            default -> throw new ProtocolException(ErrorCode.UNKNOWN_METHOD, call.method());
        };
    }

    private synchronized Value handOver(IncomingCall call) {
        Session session = call.session();
        if (following.equals(Daemon.Following.NONE)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "this program is no daemon that can be taken over");
        }
        if (isEnding || successor != null) {
            throw StorageException.refused(
                    StorageError.IN_USE,
                    isEnding
                            ? "the daemon is stopping, so it cannot be taken over"
                            : "the process " + pid(successor) + " takes over the daemon already");
        }
        successor = session;
        settled = new CompletableFuture<>();
        ownsFile = listener.isOwn();
        listener.pause();
        DescriptorSocket.Offer offered = descriptors.offer(listener.number());
        offer = offered;
        LOG.info("event=handing-over to={}", call.peer().pid());
        var _ = session.closed().thenRunAsync(() -> lost(session));
        CompletableFuture.delayedExecutor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                .execute(() -> endIfLate(session));
        return new Value.Fields(Map.of(
                TOKEN, new Value.Text(offered.token()),
                OWNS_FILE, new Value.Bool(ownsFile),
                MANAGER, Value.ofText(following.manager())));
    }

    private void endIfLate(Session session) {
        boolean isLate;
        synchronized (this) {
            isLate = successor == session && !isTaken;
        }
        if (isLate) {
            session.close(
                    "SHUTTING_DOWN",
                    "the daemon was not taken over within " + PATIENCE.toSeconds() + " s, so it goes on itself");
        }
    }

    private synchronized Value takenOver(IncomingCall call) {
        ofSuccessor(call);
        if (!isTaken) {
            isTaken = true;
            closeOffer();
            listener.own(false);
            following.whenTakenOver().accept(call.peer().pid());
            LOG.info("event=taken-over by={}", call.peer().pid());
            draining.begin(call.session());
            settled.complete(null);
        }
        return Value.Nil.NIL;
    }

    private Value stop(IncomingCall call) {
        synchronized (this) {
            ofSuccessor(call);
        }
        LOG.info(
                "event=stopping reason=\"the daemon {} stops, too\"",
                call.peer().pid());
        following.whenEnded().run();
        return Value.Nil.NIL;
    }

    private void ofSuccessor(IncomingCall call) {
        if (call.session() != successor) {
            throw StorageException.refused(
                    StorageError.IN_USE, "the process " + call.peer().pid() + " does not take over the daemon");
        }
    }

    private static long pid(@Nullable Session session) {
        var peer = session == null ? null : session.peer();
        return peer == null ? 0 : peer.pid();
    }

    private void closeOffer() {
        DescriptorSocket.Offer there = offer;
        if (there != null) {
            there.close();
            offer = null;
        }
    }

    private void lost(Session session) {
        boolean wasTaken;
        synchronized (this) {
            if (successor != session || isEnding) {
                settled.complete(null);
                return;
            }
            wasTaken = isTaken;
        }
        // The successor may have been followed by another one.
        boolean isAnswered = wasTaken && DaemonClient.isAnswered(listener.path(), ANSWER);
        synchronized (this) {
            if (!isEnding && !isAnswered) {
                takeBack(session);
            }
            settled.complete(null);
        }
    }

    private void takeBack(Session session) {
        closeOffer();
        try {
            listener.own(ownsFile);
            listener.resume();
        } catch (IOException e) {
            LOG.error("event=not-accepting reason=\"{}\"", e.getMessage());
            return;
        }
        LOG.warn("event=taken-back from={} reason=\"it has ended, or its time has\"", pid(session));
        successor = null;
        if (isTaken) {
            isTaken = false;
            draining.cease();
        }
    }

    /** Whether another daemon answers in place of this one. */
    synchronized boolean isTaken() {
        return isTaken;
    }

    /** Hands over no longer; if that has begun, waits for its end. */
    void end() {
        CompletableFuture<Void> awaited;
        synchronized (this) {
            isEnding = true;
            awaited = settled;
        }
        try {
            awaited.get(PATIENCE.multipliedBy(2).toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            LOG.warn("event=hand-over-open reason=\"{}\"", e.toString());
        }
    }
}

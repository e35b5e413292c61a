package dev.tenon.bridge.serve;

import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.session.IncomingCall;
import dev.tenon.bridge.session.RemoteCallException;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.session.SessionClosedException;
import dev.tenon.bridge.transport.ListeningSocket;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A daemon that this one takes over from: it gives its listening socket, finishes what it has begun, and ends. The
 * connection to it stays until then; by that it knows whether this daemon is there.
 */
public final class Predecessor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Predecessor.class);
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Duration ANSWER = Duration.ofSeconds(2);
    private static final Duration CLAIM = Duration.ofDays(1);
    private static final Duration LOOK = Duration.ofMillis(50);
    private static final int LOOKS = 100;

    private final Session session;
    private final Path path;
    private final ListeningSocket socket;
    private final boolean ownsFile;
    private final String manager;
    private volatile boolean isTaken;

    private Predecessor(Session session, Path path, ListeningSocket socket, boolean ownsFile, String manager) {
        this.session = session;
        this.path = path;
        this.socket = socket;
        this.ownsFile = ownsFile;
        this.manager = manager;
    }

    /**
     * Asks the daemon at a socket for it. From now on it accepts nobody, so {@link #takenOver} has to follow soon.
     *
     * @return empty if nobody listens there, or it ends meanwhile
     * @throws IOException if it does not hand over; the message says why
     * @throws InterruptedException if this thread is interrupted; the other daemon goes on then
     */
    public static Optional<Predecessor> at(UnixSockets sockets, Path path) throws IOException, InterruptedException {
        if (!UnixSockets.isAnswered(path)) {
            return Optional.empty();
        }
        Session session = DaemonClient.connect(sockets, path);
        try {
            session.greet();
            Value.Fields facts = session.opened().get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            Value.Fields answer = Codec.fields(session.call(Succession.HAND_OVER, Value.fields(), LIMIT));
            Descriptor descriptor = DescriptorSocket.fetch(
                    Path.of(Codec.TEXT.read(facts.get("descriptors"))), Codec.TEXT.read(answer.get(Succession.TOKEN)));
            return Optional.of(new Predecessor(
                    session,
                    path,
                    // The file is the other's until it is told that this daemon answers.
                    ListeningSocket.handedOver(path, descriptor, false),
                    Codec.FLAG.read(answer.get(Succession.OWNS_FILE)),
                    Codec.TEXT.read(answer.get(Succession.MANAGER))));
        } catch (RemoteCallException e) {
            session.close("DONE", "");
            throw new IOException(
                    e.error().errorCode() == ErrorCode.UNKNOWN_PLUGIN
                            ? "the daemon at '" + path + "' is of a release that cannot be taken over from; stop it"
                            : "the daemon at '" + path + "' is not taken over: "
                                    + e.error().message(),
                    e);
        } catch (ExecutionException | SessionClosedException | IOException e) {
            session.close("DONE", "");
            if (hasGone(path)) {
                return Optional.empty();
            }
            throw goesOn(path, e.getMessage(), e);
        } catch (TimeoutException e) {
            session.close("DONE", "");
            throw goesOn(path, "it did not answer within " + LIMIT.toSeconds() + " s", e);
        } catch (StorageException e) {
            session.close("DONE", "");
            throw goesOn(path, e.getMessage(), e);
        }
    }

    private static IOException goesOn(Path path, @Nullable String why, Exception e) {
        return new IOException("the daemon at '" + path + "' does not hand over, so it goes on: " + why, e);
    }

    /** Whether it has ended in the middle. What a process has open is closed one after the other. */
    private static boolean hasGone(Path path) {
        for (int look = 0; look < LOOKS; look++) {
            if (!UnixSockets.isAnswered(path)) {
                return true;
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
        return false;
    }

    /** The listening socket of the other daemon. */
    public ListeningSocket socket() {
        return socket;
    }

    /**
     * The address at which the service manager is told the state of the daemon, as the other daemon got it; empty if none.
     */
    public String manager() {
        return manager;
    }

    /** Its process. */
    public long pid() {
        var peer = session.peer();
        return peer == null ? 0 : peer.pid();
    }

    /**
     * Tells it that this daemon accepts; it begins to drain then.
     *
     * @return whether the file of the socket is this daemon's now
     * @throws IOException if it accepts again itself, since this came too late
     */
    boolean takenOver() throws IOException, InterruptedException {
        try {
            session.call(Succession.TAKEN_OVER, Value.fields(), LIMIT);
            LOG.info("event=taken-over from={}", pid());
        } catch (RemoteCallException | TimeoutException e) {
            throw notTaken(e);
        } catch (SessionClosedException e) {
            // One that was killed will not accept any more; one that lives does.
            if (DaemonClient.isAnswered(path, ANSWER)) {
                throw notTaken(e);
            }
        }
        isTaken = true;
        return ownsFile;
    }

    private IOException notTaken(Exception e) {
        return new IOException("the daemon at '" + path + "' goes on itself: " + e.getMessage(), e);
    }

    /** Whether it has ended. */
    boolean hasEnded() {
        return session.closed().isDone();
    }

    /** What it is doing; empty if it has ended or does not say. */
    Optional<Overview> overview() {
        if (hasEnded()) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    OverviewCodec.OVERVIEW.read(session.call(DaemonClient.OVERVIEW, Value.fields(), ANSWER)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        } catch (RemoteCallException | SessionClosedException | TimeoutException | StorageException e) {
            LOG.debug("event=predecessor-silent reason=\"{}\"", e.getMessage());
            return Optional.empty();
        }
    }

    /** Lets it do the work that one of its calls has left. */
    Value claim(IncomingCall call) {
        String what = "the work that the daemon " + pid() + " kept";
        Duration limit =
                call.context().deadline() == null ? CLAIM : call.context().deadline();
        return FarWork.done(
                session,
                call.method(),
                call.params(),
                new CallContext(call.context().plugin(), limit),
                what);
    }

    /**
     * Ends it with this daemon: its calls get the time that those of this daemon get. One that was not taken over goes on.
     */
    @Override
    public void close() {
        if (hasEnded()) {
            return;
        }
        if (!isTaken) {
            session.close("DONE", "");
            return;
        }
        try {
            session.call(Succession.STOP, Value.fields(), ANSWER);
            session.closed().get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RemoteCallException | SessionClosedException | TimeoutException | ExecutionException e) {
            LOG.warn("event=predecessor-left pid={} reason=\"{}\"", pid(), e.getMessage());
        }
    }
}

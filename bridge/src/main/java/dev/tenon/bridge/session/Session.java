package dev.tenon.bridge.session;

import dev.tenon.bridge.codec.Errors;
import dev.tenon.bridge.transport.Connection;
import dev.tenon.bridge.transport.ConnectionListener;
import dev.tenon.bridge.transport.PeerCredentials;
import dev.tenon.proto.Api;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Frame;
import dev.tenon.proto.Limits;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import dev.tenon.proto.WireError;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection after its hello: calls in both directions, matched by id only. Whoever reads a call of the peer makes it,
 * when somebody else can read. When the connection ends, every call that waits fails.
 */
public final class Session implements ConnectionListener {
    /** The version of the protocol that this side speaks. */
    public static final int PROTOCOL = 1;

    private static final Logger LOG = LoggerFactory.getLogger(Session.class);
    private static final AtomicLong NUMBERS = new AtomicLong();

    private final long number = NUMBERS.incrementAndGet();
    private final Connection connection;
    private final Settings settings;
    private final Questions questions;
    private final Map<Long, Answer> running = new ConcurrentHashMap<>();
    /** Calls that have not come to their end, whether they were answered or not. */
    private final AtomicInteger underWay = new AtomicInteger();

    private final AtomicInteger beingAnswered = new AtomicInteger();

    private final CompletableFuture<Value.Fields> opened = new CompletableFuture<>();
    private final CompletableFuture<String> closed = new CompletableFuture<>();
    private final Connection.Alarm helloAlarm;
    private volatile @Nullable PeerCredentials peer;
    private volatile boolean hasGreeted;
    private final Departure departure;

    /**
     * What a session is made with.
     *
     * @param api what is spoken; a session knows nothing of it but its level
     * @param role this side's role in the hello, for instance {@code daemon}
     * @param facts what else this side says in its hello
     * @param admits whether the process at the other end may speak here
     * @param handler answers the peer's calls
     * @param notices hears what the peer tells without wanting an answer
     * @param helloLimit how long a connection may be without a hello
     */
    public record Settings(
            Api api,
            String role,
            Value.Fields facts,
            Predicate<PeerCredentials> admits,
            CallHandler handler,
            Consumer<Frame.Notify> notices,
            Duration helloLimit) {

        /** With 10 seconds for the hello; notices are ignored. */
        public Settings(
                Api api, String role, Value.Fields facts, Predicate<PeerCredentials> admits, CallHandler handler) {
            this(api, role, facts, admits, handler, notice -> {}, Duration.ofSeconds(10));
        }

        /** The same, and handles notices with this listener, which must not block: nothing is read meanwhile. */
        public Settings hearing(Consumer<Frame.Notify> ear) {
            return new Settings(api, role, facts, admits, handler, ear, helloLimit);
        }
    }

    public Session(Connection connection, Settings settings) {
        this.connection = connection;
        this.settings = settings;
        this.questions = new Questions(connection);
        // In this order: a call is among the second before it leaves the first.
        this.departure = new Departure(connection, opened, closed, () -> running.isEmpty() && beingAnswered.get() == 0);
        this.helloAlarm = connection.after(settings.helloLimit(), this::endIfSilent);
    }

    private void endIfSilent() {
        if (!opened.isDone()) {
            close(
                    ErrorCode.UNEXPECTED_FRAME.name(),
                    "no hello came within " + settings.helloLimit().toMillis() + " ms of the connection");
        }
    }

    /** Completes with the peer's hello; exceptionally if the connection ends before. */
    public CompletableFuture<Value.Fields> opened() {
        return opened;
    }

    /** Completes with the reason when the connection has ended. */
    public CompletableFuture<String> closed() {
        return closed;
    }

    /** The number of this connection, which no other of this process has. */
    public long number() {
        return number;
    }

    /** The process at the other end; null before its hello. */
    public @Nullable PeerCredentials peer() {
        return peer;
    }

    /** Says hello before the peer does, as the side that has connected. */
    public void greet() {
        hasGreeted = true;
        connection.send(new Frame.Hello(Greeting.of(settings)));
    }

    // ---- calls to the peer

    /**
     * Calls the peer and waits.
     *
     * @param limit how long to wait; the peer is told
     * @throws RemoteCallException if the peer answers with an error
     * @throws SessionClosedException if the connection ends first
     * @throws TimeoutException if no answer comes in time; the peer was sent a cancel
     * @throws InterruptedException if this thread is interrupted; the peer was sent a cancel
     * @throws ProtocolException if the call breaks the limits; nothing was sent
     */
    public Value call(String method, Value.Fields params, Duration limit)
            throws RemoteCallException, SessionClosedException, TimeoutException, InterruptedException {
        return call(method, params, new CallContext(null, limit));
    }

    /**
     * The same.
     *
     * @param context has a deadline
     */
    public Value call(String method, Value.Fields params, CallContext context)
            throws RemoteCallException, SessionClosedException, TimeoutException, InterruptedException {
        return questions.call(method, params, context);
    }

    /** Sends the peer a notice, which has no answer. Does nothing if the peer is gone. */
    public void tell(String name, Value.Fields params) {
        if (!closed.isDone()) {
            connection.send(new Frame.Notify(name, params));
        }
    }

    /** Whether the peer reads what it is sent. */
    public boolean isRead() {
        return connection.isRead();
    }

    /**
     * Whether the peer answers a ping in time. One that makes one call after the other does so when it is in none, or waits
     * in one for this side.
     */
    public boolean isAnswering(Duration limit) throws InterruptedException {
        return questions.ping(limit);
    }

    /** Ends the connection when no call of the peer is under way. The peer is told which of its calls were read. */
    public void retire(String reason, String message) {
        departure.retire(new Frame.Close(reason, message));
    }

    /**
     * Asks the peer to make its further calls over another connection, and retires when it has made none here for a while.
     * A peer that does not understand goes on being answered until then.
     *
     * @param quiet how long it makes no call
     * @param isHeld whether the connection has to stay even so
     */
    public void leave(String reason, String message, Duration quiet, BooleanSupplier isHeld) {
        departure.leave(new Frame.Close(reason, message), quiet, isHeld);
    }

    /** Says why, and ends the connection. */
    public void close(String reason, String message) {
        connection.close(new Frame.Close(reason, message));
    }

    // ---- frames from the peer

    @Override
    public @Nullable Runnable received(Frame frame) {
        if (frame instanceof Frame.Hello(Value.Fields facts)) {
            greet(facts);
            return null;
        }
        if (!opened.isDone() && !(frame instanceof Frame.Close)) {
            throw new ProtocolException(ErrorCode.UNEXPECTED_FRAME, "a connection must begin with a hello");
        }
        switch (frame) {
            case Frame.Hello ignored -> throw new IllegalStateException();
            case Frame.Piece ignored -> throw new IllegalStateException();
            case Frame.Request request -> {
                return begin(request);
            }
            case Frame.Response(long id, Value result) -> questions.answered(id).complete(result);
            case Frame.Failure(long id, WireError error) ->
                questions.answered(id).completeExceptionally(new RemoteCallException(error));
            case Frame.Notify notice -> settings.notices().accept(notice);
            case Frame.Cancel(long id) -> {
                Answer answer = running.get(id);
                if (answer != null) {
                    answer.giveUp(ErrorCode.CANCELLED, "was cancelled by its caller");
                }
            }
            case Frame.Ping(long nonce) -> connection.send(new Frame.Pong(nonce));
            case Frame.Pong(long nonce) -> questions.pong(nonce);
            case Frame.Close(String reason, String message) -> {
                LOG.debug("session={} event=close reason={} message={}", number, reason, message);
                connection.close(new Frame.Close("DONE", ""));
            }
        }
        return null;
    }

    private void greet(Value.Fields facts) {
        if (opened.isDone()) {
            throw new ProtocolException(ErrorCode.UNEXPECTED_FRAME, "the peer said hello twice");
        }
        PeerCredentials credentials = connection.peer();
        Greeting.check(facts, credentials, settings);
        peer = credentials;
        if (Greeting.takesPieces(facts)) {
            connection.cutLongFrames();
        }
        if (!hasGreeted) {
            greet();
        }
        helloAlarm.cancel();
        opened.complete(facts);
    }

    // ---- calls of the peer

    private @Nullable Runnable begin(Frame.Request request) {
        Answer answer = new Answer(request);
        boolean isOneTooMany = underWay.get() >= Limits.DEFAULT.pending();
        boolean isRead = departure.reads(request.id(), () -> {
            if (!isOneTooMany && running.putIfAbsent(request.id(), answer) != null) {
                throw new ProtocolException(
                        ErrorCode.UNEXPECTED_FRAME, "the peer made call " + request.id() + " twice at once");
            }
        });
        if (!isRead) {
            return null;
        }
        if (isOneTooMany) {
            answer.fail(
                    ErrorCode.TOO_MANY_CALLS,
                    Outcome.NOT_STARTED,
                    request.method() + ": " + Limits.DEFAULT.pending()
                            + " calls of this connection are under way already");
            return null;
        }
        return answer.enter() ? answer : null;
    }

    /** The one answer of a call: the first that is given. */
    private final class Answer implements Gates.Entrant, LargeAnswers.Entrant {
        private final Frame.Request request;
        private final long since = System.nanoTime();
        private final AtomicBoolean given = new AtomicBoolean();
        private Gates.@Nullable Gate gate;
        private LargeAnswers.@Nullable Turn turn;
        private boolean hasTurn;
        private volatile Connection.@Nullable Alarm alarm;

        // guarded by this
        private @Nullable Thread thread;

        Answer(Frame.Request request) {
            this.request = request;
        }

        @Override
        public Object connection() {
            return Session.this;
        }

        @Override
        public long since() {
            return since;
        }

        @Override
        public boolean isRead() {
            return connection.isRead();
        }

        @Override
        public void proceed() {
            hasTurn = true;
            connection.execute(this);
        }

        @Override
        public void later(Duration delay, Runnable task) {
            connection.after(delay, task);
        }

        /** Whether it is to be run now; if not, that comes later or never. */
        boolean enter() {
            underWay.incrementAndGet();
            Duration own = request.context().deadline();
            Duration limit = own == null ? settings.handler().limit(request) : own;
            Gates.Gate entered = settings.handler().gate(request);
            gate = entered;
            turn = settings.handler().turn(request);
            if (limit != null) {
                alarm = connection.after(
                        limit,
                        () -> giveUp(ErrorCode.DEADLINE_EXCEEDED, "took longer than " + limit.toMillis() + " ms"));
            }
            try {
                return entered == null || entered.enter(this);
            } catch (Gates.NoEntryException e) {
                turnedAway("", String.valueOf(e.getMessage()));
                return false;
            }
        }

        /** It was never inside. */
        private void turnedAway(String how, String why) {
            ended();
            fail(ErrorCode.STORAGE_BUSY, Outcome.NOT_STARTED, request.method() + " was not started" + how + ": " + why);
        }

        @Override
        public void run() {
            LargeAnswers.Turn taken = turn;
            if (taken != null && !hasTurn && !given.get() && !taken.enter(this)) {
                return;
            }
            takeThread(Thread.currentThread());
            Frame frame = given.get() ? null : made();
            takeThread(null);
            // A peer that has the answer may make its next call at once.
            underWay.decrementAndGet();
            int bytes = frame == null ? 0 : give(frame);
            if (taken != null) {
                taken.leave(frame instanceof Frame.Response ? bytes : 0);
            }
            leaveGate();
        }

        private void leaveGate() {
            Gates.Gate left = gate;
            if (left != null) {
                Gates.Entrant next = left.leave(this);
                left.done();
                if (next != null) {
                    connection.execute(next);
                }
            }
        }

        private Frame made() {
            try {
                PeerCredentials from = peer;
                if (from == null) {
                    throw new IllegalStateException("a call before the hello");
                }
                Value result = settings.handler()
                        .handle(new IncomingCall(
                                request.method(), request.params(), request.context(), from, Session.this));
                return new Frame.Response(request.id(), result);
            } catch (RuntimeException | Error e) {
                return new Frame.Failure(request.id(), Errors.toWire(e, settings.role(), request.method()));
            }
        }

        private void ended() {
            underWay.decrementAndGet();
            Gates.Gate left = gate;
            if (left != null) {
                left.done();
            }
        }

        private synchronized void takeThread(@Nullable Thread one) {
            thread = one;
        }

        private synchronized void interrupt() {
            if (thread != null) {
                thread.interrupt();
            }
        }

        void giveUp(ErrorCode code, String what) {
            Gates.Gate entered = gate;
            String inLine = entered == null ? null : entered.withdraw(this);
            if (inLine != null) {
                turnedAway(" and " + what, inLine);
                return;
            }
            LargeAnswers.Turn awaited = turn;
            if (awaited != null && awaited.withdraw()) {
                underWay.decrementAndGet();
                leaveGate();
                fail(
                        ErrorCode.STORAGE_BUSY,
                        Outcome.NOT_STARTED,
                        request.method() + " was not started and " + what
                                + ": other large answers are made, or those of this connection are not read");
                return;
            }
            if (entered != null) {
                entered.late(this);
            }
            fail(code, Outcome.UNKNOWN, request.method() + " " + what + "; whether it took effect is not known");
            interrupt();
        }

        void fail(ErrorCode code, Outcome outcome, String message) {
            give(new Frame.Failure(request.id(), WireError.of(code, outcome, settings.role(), message)));
        }

        /** How many bytes that was, 0 if an answer was given before. */
        private int give(Frame frame) {
            if (!given.compareAndSet(false, true)) {
                return 0;
            }
            beingAnswered.incrementAndGet();
            // The peer may use the number again as soon as it has the answer.
            running.remove(request.id(), this);
            departure.answered();
            Connection.Alarm pending = alarm;
            if (pending != null) {
                pending.cancel();
            }
            try {
                return send(frame);
            } finally {
                beingAnswered.decrementAndGet();
                departure.endIfRetired();
            }
        }

        private int send(Frame frame) {
            try {
                return connection.send(frame);
            } catch (ProtocolException e) {
                return connection.send(new Frame.Failure(
                        request.id(),
                        WireError.of(
                                e.code(), Outcome.UNKNOWN, settings.role(), request.method() + ": " + e.getMessage())));
            }
        }
    }

    @Override
    public void closed(String reason) {
        helloAlarm.cancel();
        closed.complete(reason);
        opened.completeExceptionally(new SessionClosedException(reason));
        questions.end(reason);
        LOG.debug("session={} event=closed reason=\"{}\"", number, reason);
    }
}

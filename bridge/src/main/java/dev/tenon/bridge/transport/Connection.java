package dev.tenon.bridge.transport;

import dev.tenon.core.linux.Epoll;
import dev.tenon.core.linux.SocketBuffer;
import dev.tenon.core.linux.UnixSocket;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.ProtocolException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection over a Unix socket, in frames. Safe for use by many threads. One of them reads at a time; a thread
 * that learns of more to read meanwhile leaves it to that one.
 */
public final class Connection {
    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);
    private static final int BUFFER_BYTES = 1 << 16;
    private static final ThreadLocal<SocketBuffer> OUT = ThreadLocal.withInitial(() -> new SocketBuffer(BUFFER_BYTES));

    /** Another one, since what is read may be answered while there is more of it. */
    private static final ThreadLocal<SocketBuffer> IN = ThreadLocal.withInitial(() -> new SocketBuffer(BUFFER_BYTES));

    /** A peer that leaves so many bytes unread is not read either, so that answers cannot pile up here. */
    private static final int MOST_UNREAD = 1 << 16;

    /** How long a peer may take to read the last words. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(5);

    private static final String PEER_ENDED = "the peer ended the connection";

    private final UnixSocket socket;
    private final PeerCredentials peer;
    private final FrameCodec codec;
    private final Workers workers;
    private final Alarms alarms;
    private final Unread unread;
    private final Set<Connection> open;
    private final long token;
    private final ConnectionListener listener;

    /**
     * How often a thread was told of something to read that nobody has looked for yet; the one that raises it from 0 reads.
     * Until the connection is whole its maker is the one who reads.
     */
    private final AtomicInteger heard = new AtomicInteger(1);

    private volatile boolean hasPeerEnded;
    private volatile boolean isOver;
    private volatile @Nullable String reason;

    // of whoever reads
    private final FrameParts parts = new FrameParts();
    private final PieceParts pieces = new PieceParts();
    private boolean isClosed;

    // guarded by output
    private final ReentrantLock output = new ReentrantLock();
    private final Outbox unsent = new Outbox();
    private boolean waitsForRoom;
    private boolean hasLast;
    private boolean isWatched;

    // changed under output
    private volatile long unsentBytes;
    private volatile long lastTaken;
    private volatile boolean isPaused;

    /** Something that will be done after a while. */
    @FunctionalInterface
    public interface Alarm {
        /** It will not be done, unless that has begun. */
        void cancel();
    }

    private Connection(
            UnixSocket socket,
            FrameCodec codec,
            UnixSockets.Threads threads,
            Set<Connection> open,
            Function<Connection, ConnectionListener> listener)
            throws IOException {
        this.socket = socket;
        UnixSocket.Peer credentials = socket.peer();
        this.peer = new PeerCredentials(credentials.pid(), credentials.uid());
        this.codec = codec;
        this.workers = threads.workers();
        this.alarms = threads.alarms();
        this.unread = threads.unread();
        this.open = open;
        this.token = workers.token();
        // Before the listener, which may send more than there is room for.
        workers.add(socket, token, this::ready);
        try {
            this.listener = listener.apply(this);
        } catch (RuntimeException | Error e) {
            workers.remove(socket, token);
            throw e;
        }
    }

    /**
     * Takes over a socket that is connected.
     *
     * @param open the connections that have not ended, of which this is one
     */
    static void begin(
            UnixSocket socket,
            FrameCodec codec,
            UnixSockets.Threads threads,
            Set<Connection> open,
            Function<Connection, ConnectionListener> listener)
            throws IOException {
        Connection connection = new Connection(socket, codec, threads, open, listener);
        open.add(connection);
        connection.workers.execute(() -> run(connection.readOn(IN.get())));
    }

    /** Who is at the other end. */
    public PeerCredentials peer() {
        return peer;
    }

    /**
     * Sends a frame, in one piece if there is room; else the rest goes when there is. A connection that has ended drops it.
     *
     * @return how many bytes it has
     * @throws ProtocolException if the frame breaks the limits; then nothing is sent
     */
    public int send(Frame frame) {
        List<ByteBuffer> buffers = codec.buffers(frame);
        int length = 0;
        for (ByteBuffer each : buffers) {
            length += each.remaining();
        }
        output.lock();
        try {
            if (!hasLast) {
                put(buffers, length, frame instanceof Frame.Cancel);
            }
        } finally {
            output.unlock();
        }
        if (!isRead()) {
            unread.bound();
        }
        return length;
    }

    /** From now on a long frame goes in pieces, and others between them: the peer puts them together. */
    public void cutLongFrames() {
        unsent.cutLongFrames();
    }

    /** Whether the peer reads what it is sent; if not, much of it waits here. */
    public boolean isRead() {
        return unsentBytes <= MOST_UNREAD;
    }

    /** Sends a last frame and ends the connection. */
    public void close(Frame.Close last) {
        ByteBuffer bytes = ByteBuffer.wrap(codec.encode(last));
        output.lock();
        try {
            if (hasLast) {
                return;
            }
            hasLast = true;
            put(List.of(bytes), bytes.remaining(), true);
            if (unsent.isEmpty()) {
                end(PEER_ENDED);
            } else {
                alarms.after(LAST_WORDS, () -> end("the peer read no more"));
            }
        } finally {
            output.unlock();
        }
    }

    /** Runs something that does not block after a while, unless it is cancelled before. */
    public Alarm after(Duration delay, Runnable task) {
        return alarms.after(delay, task);
    }

    /** Does something on another thread of those that take what comes. */
    public void execute(Runnable task) {
        workers.execute(task);
    }

    // ---- writing, under the lock of the output

    private void put(List<ByteBuffer> frame, int length, boolean keepsPlace) {
        if (isOver) {
            return;
        }
        boolean isFirst = unsent.isEmpty();
        count(unsent.add(frame, length, keepsPlace));
        if (isFirst) {
            lastTaken = System.nanoTime();
            write();
            watch(unread.patience());
        } else {
            isPaused = unsent.bytesBesideLong() > MOST_UNREAD;
        }
    }

    private void count(long more) {
        long bytes = unsentBytes;
        unsentBytes = bytes + more;
        unread.add(more);
    }

    private void forget() {
        unsent.clear();
        count(-unsentBytes);
        isPaused = false;
        hasLast = true;
    }

    // ---- a peer that does not read

    private void watch(Duration time) {
        if (!unsent.isEmpty() && !isWatched) {
            isWatched = true;
            var _ = alarms.after(time, this::endIfUnread);
        }
    }

    private void endIfUnread() {
        output.lock();
        try {
            isWatched = false;
            Duration left = unread.patience().minusNanos(System.nanoTime() - lastTaken);
            if (left.isPositive()) {
                watch(left);
                return;
            }
        } finally {
            output.unlock();
        }
        if (hasUnread()) {
            giveUp("the peer has read nothing for " + unread.patience().toMillis() + " ms, with " + unsentBytes
                    + " bytes waiting");
        }
    }

    /** Whether something waits for the peer to read. */
    boolean hasUnread() {
        return unsentBytes > 0;
    }

    /** When the peer last took something of what waits, by {@link System#nanoTime}. */
    long lastTaken() {
        return lastTaken;
    }

    /** Ends the connection without what waits for it. */
    void giveUp(String why) {
        output.lock();
        try {
            forget();
        } finally {
            output.unlock();
        }
        LOG.warn("event=given-up pid={} reason=\"{}\"", peer.pid(), why);
        end(why);
    }

    private void write() {
        try {
            SocketBuffer buffer = OUT.get();
            for (ByteBuffer first = unsent.first(); first != null; first = unsent.first()) {
                int sent = socket.sendNow(
                        first.array(), first.arrayOffset() + first.position(), first.remaining(), buffer);
                if (sent == UnixSocket.NOTHING_NOW) {
                    awaitRoom(true);
                    break;
                }
                unsent.sent(sent);
                count(-sent);
                lastTaken = System.nanoTime();
            }
            isPaused = unsent.bytesBesideLong() > MOST_UNREAD;
        } catch (IOException e) {
            LOG.debug("event=not-sent reason=\"{}\"", e.getMessage());
            forget();
            // What the peer said before it went is still read.
            hasPeerEnded = true;
            socket.shutdown();
            hearSoon();
        }
    }

    private void awaitRoom(boolean isWanted) throws IOException {
        if (waitsForRoom != isWanted) {
            workers.awaitRoom(socket, token, isWanted);
            waitsForRoom = isWanted;
        }
    }

    private void room() {
        output.lock();
        try {
            if (isOver || unsent.isEmpty()) {
                return;
            }
            write();
            if (unsent.isEmpty()) {
                awaitRoom(false);
                if (hasLast) {
                    end(PEER_ENDED);
                }
            }
        } catch (IOException e) {
            end("the connection failed: " + e.getMessage());
        } finally {
            output.unlock();
        }
    }

    // ---- reading

    private @Nullable Runnable ready(int events, SocketBuffer buffer) {
        boolean wasPaused = isPaused;
        if ((events & Epoll.WRITABLE) != 0) {
            room();
        }
        if ((events & Epoll.ENDED) != 0) {
            hasPeerEnded = true;
        }
        boolean isReadable = (events & (Epoll.READABLE | Epoll.ENDED)) != 0;
        return isReadable || wasPaused ? hear(buffer) : null;
    }

    /** Reads what there is, unless somebody does already, who then goes on; what to do afterwards. */
    private @Nullable Runnable hear(SocketBuffer buffer) {
        return heard.getAndIncrement() > 0 ? null : readOn(buffer);
    }

    private @Nullable Runnable readOn(SocketBuffer buffer) {
        Work work = new Work();
        int missed = 1;
        while (missed != 0) {
            if (!isOver) {
                read(buffer, work);
            }
            if (isOver) {
                // Nobody reads any more: the count never comes back to 0.
                finish(work);
                break;
            }
            missed = heard.addAndGet(-missed);
        }
        return work.take();
    }

    private void hearSoon() {
        workers.execute(() -> run(hear(IN.get())));
    }

    private static void run(@Nullable Runnable work) {
        if (work != null) {
            work.run();
        }
    }

    private void read(SocketBuffer buffer, Work work) {
        try {
            // A peer that does not read its answers is not read either; who makes room goes on.
            while (!isOver && !isPaused) {
                int count = socket.receiveNow(buffer);
                if (count == UnixSocket.NOTHING_NOW) {
                    return;
                }
                if (count == 0) {
                    ended();
                    return;
                }
                consume(buffer, count, work);
                if (count < buffer.capacity() && !hasPeerEnded) {
                    return;
                }
            }
        } catch (IOException e) {
            end("the connection failed: " + e.getMessage());
        } catch (RuntimeException | Error e) {
            LOG.error("event=defect where=connection", e);
            end("the connection failed: " + e);
        }
    }

    private void consume(SocketBuffer buffer, int count, Work work) {
        int at = 0;
        try {
            while (at < count && reason == null) {
                at += parts.add(buffer, at, count, codec);
                byte[] payload = parts.whole();
                if (payload != null) {
                    Frame frame = codec.decode(payload);
                    Frame whole = frame instanceof Frame.Piece piece ? pieces.add(piece, codec) : frame;
                    Runnable task = whole == null ? null : listener.received(whole);
                    if (task != null) {
                        work.add(task);
                    }
                }
            }
        } catch (ProtocolException e) {
            refuse(e);
        }
    }

    private void refuse(ProtocolException e) {
        reason = e.getMessage();
        LOG.warn("event=protocol-error code={} {}", e.code(), e.getMessage());
        close(new Frame.Close(e.code().name(), String.valueOf(e.getMessage())));
    }

    private void ended() {
        int begun = parts.bytes() + pieces.bytes();
        if (reason == null && begun > 0) {
            refuse(new ProtocolException(
                    ErrorCode.MALFORMED_FRAME,
                    "the peer ended the connection inside a frame, after " + begun + " bytes of it"));
        }
        // A peer that only stopped to send may still read what is wrong with its last words.
        if (reason == null || saysNoMore()) {
            end(PEER_ENDED);
        }
    }

    private boolean saysNoMore() {
        output.lock();
        try {
            return hasLast && unsent.isEmpty();
        } finally {
            output.unlock();
        }
    }

    // ---- the end

    private void end(String why) {
        if (reason == null) {
            reason = why;
        }
        isOver = true;
        hearSoon();
    }

    /** Ends the connection at once. */
    void abort() {
        end("this side is shutting down");
    }

    private void finish(Work work) {
        if (isClosed) {
            return;
        }
        isClosed = true;
        output.lock();
        try {
            forget();
            workers.remove(socket, token);
            socket.close();
            open.remove(this);
        } finally {
            output.unlock();
        }
        String why = reason;
        work.add(() -> listener.closed(why == null ? PEER_ENDED : why));
    }

    /** What is to be done after reading: the last of it by who read, the rest by others. */
    private final class Work {
        private @Nullable Runnable last;

        void add(Runnable task) {
            Runnable former = last;
            last = task;
            if (former != null) {
                workers.execute(former);
            }
        }

        @Nullable
        Runnable take() {
            return last;
        }
    }
}

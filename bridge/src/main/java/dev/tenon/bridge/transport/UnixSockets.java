package dev.tenon.bridge.transport;

import dev.tenon.core.linux.SocketBuffer;
import dev.tenon.core.linux.UnixSocket;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The Unix sockets that a process listens on or connects to, and the threads that serve their connections. */
public final class UnixSockets implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UnixSockets.class);
    private static final Duration RETRY = Duration.ofMillis(100);
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final FrameCodec codec = new FrameCodec(Limits.DEFAULT);
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private final Unread unread;

    // guarded by this
    private @Nullable Threads threads;

    public UnixSockets() {
        this(Unread.PATIENCE, Unread.MOST_BYTES);
    }

    /**
     * With other bounds than usual for what peers leave unread.
     *
     * @param patience how long one may read nothing while something waits for it
     * @param mostBytes how much may wait for all of them
     */
    UnixSockets(Duration patience, long mostBytes) {
        this.unread = new Unread(connections, patience, mostBytes);
    }

    /** What runs for the connections. */
    record Threads(Workers workers, Alarms alarms, Unread unread) {}

    /** A socket that connections are accepted from; closing it removes its file if that is this process's. */
    public static final class Listener implements AutoCloseable {
        private final ListeningSocket socket;
        private final Acceptor acceptor;

        private Listener(ListeningSocket socket, Acceptor acceptor) {
            this.socket = socket;
            this.acceptor = acceptor;
        }

        public Path path() {
            return socket.path();
        }

        /** The socket itself, for another process. */
        public int number() {
            return socket.socket().number();
        }

        /** Whether closing it removes the file. */
        public boolean isOwn() {
            return socket.isOwn();
        }

        /** Accepts nobody for now. Who connects waits in the kernel, or for another process that has the socket. */
        public void pause() {
            acceptor.pause();
        }

        /** Accepts again. */
        public void resume() throws IOException {
            acceptor.begin();
        }

        /** The file is this process's from now on, or another's. */
        public void own(boolean isIt) {
            socket.own(isIt);
        }

        @Override
        public void close() {
            try {
                socket.withdraw();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } finally {
                acceptor.close();
            }
        }
    }

    /** Accepts connections. */
    private final class Acceptor implements Workers.Source {
        private final Path path;
        private final UnixSocket socket;
        private final Threads threads;
        private final long token;
        private final Function<Connection, ConnectionListener> listener;

        // guarded by this
        private boolean isAccepting;
        private boolean isClosed;
        private boolean isShort;

        Acceptor(Path path, UnixSocket socket, Threads threads, Function<Connection, ConnectionListener> listener) {
            this.path = path;
            this.socket = socket;
            this.threads = threads;
            this.token = threads.workers().token();
            this.listener = listener;
        }

        synchronized void begin() throws IOException {
            if (!isAccepting && !isClosed) {
                threads.workers().add(socket, token, this);
                isAccepting = true;
            }
        }

        synchronized void pause() {
            if (isAccepting) {
                isAccepting = false;
                threads.workers().remove(socket, token);
            }
        }

        @Override
        public @Nullable Runnable ready(int events, SocketBuffer buffer) {
            acceptAll();
            return null;
        }

        private synchronized void acceptAll() {
            try {
                while (isAccepting && socket.await(Duration.ZERO)) {
                    UnixSocket accepted = socket.accept().orElse(null);
                    if (accepted != null) {
                        begin(accepted);
                        isShort = false;
                    }
                }
            } catch (IOException | RuntimeException | Error e) {
                // Mostly a lack of descriptors, which passes; who connects waits in the kernel meanwhile.
                if (!isShort) {
                    LOG.error("event=not-accepted socket={} reason=\"{}\"", path, e.toString());
                }
                isShort = true;
                var _ = threads.alarms().after(RETRY, () -> threads.workers().execute(this::acceptAll));
            }
        }

        private void begin(UnixSocket accepted) throws IOException {
            try {
                Connection.begin(accepted, codec, threads, connections, listener);
            } catch (IOException | RuntimeException | Error e) {
                accepted.close();
                throw e;
            }
        }

        synchronized void close() {
            if (!isClosed) {
                isClosed = true;
                try {
                    pause();
                } finally {
                    // The threads may have been closed before.
                    socket.close();
                }
            }
        }
    }

    /**
     * Listens on a socket of mode 0600. A socket that a dead process left at this path is replaced.
     *
     * @param listener makes the listener of each connection
     * @throws IOException if the path cannot be bound, or somebody listens there already; the message says which
     */
    public Listener listen(Path path, Function<Connection, ConnectionListener> listener) throws IOException {
        return listen(ListeningSocket.make(path), listener);
    }

    /**
     * Accepts connections from a socket that listens, and closes it with the listener.
     *
     * @param listener makes the listener of each connection
     * @throws IOException if it cannot be given its name; it is closed then
     */
    public Listener listen(ListeningSocket socket, Function<Connection, ConnectionListener> listener)
            throws IOException {
        try {
            Acceptor acceptor = new Acceptor(socket.path(), socket.socket(), threads(), listener);
            acceptor.begin();
            socket.publish();
            return new Listener(socket, acceptor);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Connects to whoever listens at a path.
     *
     * @param listener makes the listener of the connection
     * @throws IOException if nobody does
     */
    public void connect(Path path, Function<Connection, ConnectionListener> listener) throws IOException {
        UnixSocket socket = UnixSocket.connect(path);
        try {
            Connection.begin(socket, codec, threads(), connections, listener);
        } catch (IOException | RuntimeException | Error e) {
            socket.close();
            throw e;
        }
    }

    private synchronized Threads threads() throws IOException {
        Threads there = threads;
        if (there == null) {
            there = new Threads(new Workers(), new Alarms(), unread);
            threads = there;
        }
        return there;
    }

    /** Whether somebody listens at this path. */
    public static boolean isAnswered(Path path) {
        return SocketFile.isAnswered(path);
    }

    @Override
    public synchronized void close() {
        Threads there = threads;
        if (there != null) {
            connections.forEach(Connection::abort);
            there.workers().close(PATIENCE);
            there.alarms().close();
        }
    }
}

package dev.tenon.bridge.transport;

import dev.tenon.core.linux.SocketBuffer;
import dev.tenon.core.linux.UnixSocket;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The Unix sockets that a process listens on, and the threads that serve their connections. */
public final class UnixSockets implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UnixSockets.class);
    private static final int BACKLOG = 1024;
    private static final Duration RETRY = Duration.ofMillis(100);
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final FrameCodec codec = new FrameCodec(Limits.DEFAULT);
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();

    // guarded by this
    private @Nullable Threads threads;

    /** What runs for the connections. */
    record Threads(Workers workers, Alarms alarms) {}

    /** A socket that is listened on; closing it removes its file. */
    public static final class Listener implements AutoCloseable {
        private final Path path;
        private final Acceptor acceptor;

        private Listener(Path path, Acceptor acceptor) {
            this.path = path;
            this.acceptor = acceptor;
        }

        public Path path() {
            return path;
        }

        @Override
        public void close() {
            try {
                Files.deleteIfExists(path);
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
        private boolean isClosed;
        private boolean isShort;

        Acceptor(Path path, UnixSocket socket, Threads threads, Function<Connection, ConnectionListener> listener) {
            this.path = path;
            this.socket = socket;
            this.threads = threads;
            this.token = threads.workers().token();
            this.listener = listener;
        }

        void begin() throws IOException {
            threads.workers().add(socket, token, this);
        }

        @Override
        public @Nullable Runnable ready(int events, SocketBuffer buffer) {
            acceptAll();
            return null;
        }

        private synchronized void acceptAll() {
            try {
                while (!isClosed && socket.await(Duration.ZERO)) {
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
                threads.workers().remove(socket, token);
                socket.close();
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
        SocketFile file = SocketFile.at(path);
        UnixSocket socket;
        try {
            socket = UnixSocket.listen(file.hidden(), BACKLOG);
        } catch (IOException e) {
            throw new IOException("cannot listen at '" + path + "': " + e.getMessage(), e);
        }
        try {
            Acceptor acceptor = new Acceptor(path, socket, threads(), listener);
            acceptor.begin();
            file.publish();
            return new Listener(path, acceptor);
        } catch (IOException e) {
            socket.close();
            Files.deleteIfExists(file.hidden());
            throw e;
        }
    }

    private synchronized Threads threads() throws IOException {
        Threads there = threads;
        if (there == null) {
            there = new Threads(new Workers(), new Alarms());
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

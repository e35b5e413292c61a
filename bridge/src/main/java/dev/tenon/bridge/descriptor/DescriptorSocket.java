package dev.tenon.bridge.descriptor;

import dev.tenon.bridge.transport.PeerCredentials;
import dev.tenon.bridge.transport.SocketFile;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.UnixSocket;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A socket over which open descriptors cross, each under a token by which a call elsewhere names it. Whoever connects
 * sends the token. One that was given out here is a claim, and its descriptor goes back; with any other a descriptor
 * follows, which is kept until {@link #claim} asks for it. What nobody asks for is closed.
 */
public final class DescriptorSocket implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DescriptorSocket.class);
    private static final HexFormat HEX = HexFormat.of();
    private static final Pattern TOKEN = Pattern.compile("[0-9a-f]{32}");
    private static final int TOKEN_BYTES = 16;
    private static final byte[] WITH_IT = {0};
    private static final int BACKLOG = 128;
    private static final int MOST_CONNECTIONS = 16;
    private static final int MOST_KEPT = 256;
    private static final Duration RETRY = Duration.ofMillis(100);

    private final Path path;
    private final Predicate<PeerCredentials> admits;
    private final Limits limits;
    private final UnixSocket listener;
    private final Thread accepting;
    private final SecureRandom random = new SecureRandom();
    private final Semaphore turns = new Semaphore(MOST_CONNECTIONS);
    private final Set<UnixSocket> connections = new HashSet<>();
    private final Map<String, Offer> offered = new ConcurrentHashMap<>();
    private final AtomicLong unclaimed = new AtomicLong();

    // guarded by this
    private final Map<String, Descriptor> kept = new HashMap<>();
    private final Map<String, CompletableFuture<Descriptor>> awaited = new HashMap<>();
    private boolean isClosed;

    /**
     * How long it waits.
     *
     * @param connection how long a connection may take to say what it wants
     * @param unclaimed how long a descriptor is kept that nobody asks for
     */
    public record Limits(Duration connection, Duration unclaimed) {
        public static final Limits USUAL = new Limits(Duration.ofSeconds(10), Duration.ofSeconds(30));
    }

    /** A descriptor that can be claimed over the socket, once, until this is closed. It stays open here. */
    public final class Offer implements AutoCloseable {
        private final String token;
        private final int descriptor;
        private boolean isOver;

        private Offer(String token, int descriptor) {
            this.token = token;
            this.descriptor = descriptor;
        }

        public String token() {
            return token;
        }

        private synchronized void pass(UnixSocket connection) throws IOException {
            if (!isOver) {
                connection.send(WITH_IT, descriptor);
            }
        }

        /** The descriptor may be closed afterwards. */
        @Override
        public void close() {
            offered.remove(token, this);
            synchronized (this) {
                isOver = true;
            }
        }
    }

    private DescriptorSocket(Path path, Predicate<PeerCredentials> admits, Limits limits, UnixSocket listener) {
        this.path = path;
        this.admits = admits;
        this.limits = limits;
        this.listener = listener;
        // The calls of the sockets wait in the kernel, where a virtual thread would hold its carrier.
        this.accepting = Thread.ofPlatform().daemon().name("tenon-descriptors").unstarted(this::accept);
    }

    /**
     * Begins to listen.
     *
     * @param path where the socket appears, mode 0600; one that a dead process left is replaced
     * @param admits whether a process may send descriptors here and claim them
     * @throws IOException if it cannot be bound, or somebody listens there
     */
    public static DescriptorSocket listen(Path path, Predicate<PeerCredentials> admits, Limits limits)
            throws IOException {
        SocketFile file = SocketFile.at(path);
        UnixSocket listener = UnixSocket.listen(file.hidden(), BACKLOG);
        try {
            file.publish();
        } catch (IOException e) {
            listener.close();
            throw e;
        }
        DescriptorSocket socket = new DescriptorSocket(path, admits, limits, listener);
        socket.accepting.start();
        return socket;
    }

    /** With the usual limits. */
    public static DescriptorSocket listen(Path path, Predicate<PeerCredentials> admits) throws IOException {
        return listen(path, admits, Limits.USUAL);
    }

    public Path path() {
        return path;
    }

    /**
     * Claims what another process offers at such a socket of its own.
     *
     * @param token of the offer
     * @return the caller's to close
     * @throws IOException if it does not come in time
     */
    public static Descriptor fetch(Path path, String token) throws IOException {
        try (UnixSocket connection = UnixSocket.connect(path)) {
            connection.send(HEX.parseHex(token));
            if (!connection.await(Limits.USUAL.connection())) {
                throw new IOException("no descriptor came from '" + path + "' within "
                        + Limits.USUAL.connection().toSeconds() + " s");
            }
            UnixSocket.Message message = connection.receive(1);
            if (message.descriptors().size() == 1) {
                return message.descriptors().getFirst();
            }
            message.close();
            throw new IOException("'" + path + "' does not know the token of a descriptor any more");
        }
    }

    /** Lets the peer claim a descriptor of this process by a token. */
    public Offer offer(int descriptor) {
        byte[] token = new byte[TOKEN_BYTES];
        random.nextBytes(token);
        Offer offer = new Offer(HEX.formatHex(token), descriptor);
        offered.put(offer.token(), offer);
        return offer;
    }

    /**
     * The descriptor that the peer sent under this token, or is about to send. It is the caller's to close.
     *
     * @throws StorageException {@code BAD_PARAMETER} if none comes in time; {@code CANCELLED} if this thread is
     *     interrupted; both {@code NOT_STARTED}
     */
    public Descriptor claim(String token, Duration wait) {
        if (!TOKEN.matcher(token).matches()) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "'" + token.replaceAll("\\p{Cntrl}", "?") + "' is no token of a descriptor: send an open file to '"
                            + path + "' and name it by its token of 32 hexadecimal digits");
        }
        CompletableFuture<Descriptor> arrival = new CompletableFuture<>();
        synchronized (this) {
            Descriptor there = kept.remove(token);
            if (there != null) {
                return there;
            }
            if (isClosed || awaited.putIfAbsent(token, arrival) != null) {
                throw notCome(token, isClosed ? "this side is shutting down" : "another call waits for it");
            }
        }
        try {
            return arrival.get(wait.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return cameAtLast(token, arrival)
                    .orElseThrow(() -> notCome(token, "none came within " + wait.toMillis() + " ms"));
        } catch (InterruptedException e) {
            cameAtLast(token, arrival).ifPresent(Descriptor::close);
            Thread.currentThread().interrupt();
            throw new StorageException(
                    StorageError.CANCELLED,
                    Outcome.NOT_STARTED,
                    "cancelled while it waited for the descriptor " + token,
                    e);
        } catch (ExecutionException e) {
            throw notCome(token, "this side is shutting down");
        }
    }

    private synchronized Optional<Descriptor> cameAtLast(String token, CompletableFuture<Descriptor> arrival) {
        awaited.remove(token, arrival);
        return arrival.isDone() && !arrival.isCompletedExceptionally() ? Optional.of(arrival.join()) : Optional.empty();
    }

    private StorageException notCome(String token, String why) {
        return StorageException.refused(
                StorageError.BAD_PARAMETER,
                "there is no descriptor of the token " + token + ": " + why + "; it is sent to '" + path
                        + "' before the call that names it, and can be used once");
    }

    // ---- connections

    private void accept() {
        boolean isTold = false;
        while (true) {
            try {
                turns.acquire();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            boolean hasBegun = false;
            try {
                Optional<UnixSocket> accepted = listener.accept();
                if (accepted.isEmpty()) {
                    return;
                }
                beginOrClose(accepted.get());
                hasBegun = true;
                isTold = false;
            } catch (IOException | RuntimeException | Error e) {
                // A lack of descriptors or threads passes; who connects waits in the kernel meanwhile.
                if (!isTold) {
                    LOG.error("event=not-accepted socket={} reason=\"{}\"", path, e.toString());
                }
                isTold = true;
                LockSupport.parkNanos(RETRY.toNanos());
            } finally {
                if (!hasBegun) {
                    turns.release();
                }
            }
        }
    }

    private void beginOrClose(UnixSocket connection) {
        try {
            begin(connection);
        } catch (RuntimeException | Error e) {
            end(connection);
            throw e;
        }
    }

    private void end(UnixSocket connection) {
        synchronized (connections) {
            connections.remove(connection);
            connection.close();
        }
    }

    private void begin(UnixSocket connection) {
        synchronized (connections) {
            connections.add(connection);
        }
        Thread.ofPlatform().daemon().name("tenon-descriptor").start(() -> {
            try {
                serve(connection);
            } catch (IOException e) {
                LOG.debug("event=descriptor-connection-lost reason=\"{}\"", e.getMessage());
            } finally {
                end(connection);
                turns.release();
            }
        });
    }

    private void serve(UnixSocket connection) throws IOException {
        UnixSocket.Peer peer = connection.peer();
        if (!admits.test(new PeerCredentials(peer.pid(), peer.uid()))) {
            LOG.warn(
                    "event=descriptor-refused pid={} uid={} reason=\"may not use this socket\"",
                    peer.pid(),
                    peer.uid());
            return;
        }
        long deadline = System.nanoTime() + limits.connection().toNanos();
        byte[] bytes = token(connection, deadline);
        if (bytes == null) {
            return;
        }
        String token = HEX.formatHex(bytes);
        Offer claimed = offered.remove(token);
        if (claimed != null) {
            claimed.pass(connection);
            return;
        }
        Descriptor descriptor = descriptor(connection, deadline);
        if (descriptor != null) {
            arrived(token, descriptor);
        }
    }

    /** Null if the peer sent something else, less, or nothing in time. */
    private byte @Nullable [] token(UnixSocket connection, long deadline) throws IOException {
        byte[] token = new byte[TOKEN_BYTES];
        int length = 0;
        while (length < TOKEN_BYTES) {
            if (!connection.await(left(deadline))) {
                LOG.warn(
                        "event=descriptor-refused reason=\"{} bytes of a token in {} ms\"",
                        length,
                        limits.connection().toMillis());
                return null;
            }
            try (UnixSocket.Message message = connection.receive(TOKEN_BYTES - length)) {
                byte[] part = message.bytes();
                if (part.length == 0 || !message.descriptors().isEmpty()) {
                    if (length + part.length > 0) {
                        LOG.warn("event=descriptor-refused reason=\"half a token, or a descriptor before its end\"");
                    }
                    return null;
                }
                System.arraycopy(part, 0, token, length, part.length);
                length += part.length;
            }
        }
        return token;
    }

    private @Nullable Descriptor descriptor(UnixSocket connection, long deadline) throws IOException {
        if (!connection.await(left(deadline))) {
            LOG.warn("event=descriptor-refused reason=\"a token without a descriptor\"");
            return null;
        }
        UnixSocket.Message message = connection.receive(1);
        if (message.descriptors().size() == 1 && !message.isCut()) {
            return message.descriptors().getFirst();
        }
        LOG.warn(
                "event=descriptor-refused reason=\"{} descriptors instead of one\"",
                message.isCut() ? "many" : message.descriptors().size());
        message.close();
        return null;
    }

    private static Duration left(long deadline) {
        return Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
    }

    private synchronized void arrived(String token, Descriptor descriptor) {
        CompletableFuture<Descriptor> arrival = awaited.remove(token);
        if (arrival != null) {
            arrival.complete(descriptor);
            return;
        }
        if (isClosed || kept.size() >= MOST_KEPT || kept.containsKey(token)) {
            close(descriptor, isClosed ? "this side is shutting down" : "too many, or twice the same token");
            return;
        }
        kept.put(token, descriptor);
        CompletableFuture.delayedExecutor(limits.unclaimed().toNanos(), TimeUnit.NANOSECONDS)
                .execute(() -> expire(token, descriptor));
    }

    private synchronized void expire(String token, Descriptor descriptor) {
        if (kept.remove(token, descriptor)) {
            close(descriptor, "nobody asked for it within " + limits.unclaimed().toMillis() + " ms");
        }
    }

    private void close(Descriptor descriptor, String why) {
        descriptor.close();
        LOG.warn("event=descriptor-unclaimed total={} reason=\"{}\"", unclaimed.incrementAndGet(), why);
    }

    /** Removes the socket's file, and closes what nobody has claimed. Claims that wait fail. */
    @Override
    public void close() {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            LOG.warn("event=socket-left path={} reason=\"{}\"", path, e.getMessage());
        }
        listener.shutdown();
        synchronized (connections) {
            connections.forEach(UnixSocket::shutdown);
        }
        accepting.interrupt();
        try {
            accepting.join();
            // Those that were woken end at once.
            var _ = turns.tryAcquire(MOST_CONNECTIONS, 1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        listener.close();
        synchronized (this) {
            isClosed = true;
            kept.values().forEach(Descriptor::close);
            kept.clear();
            awaited.values().forEach(arrival -> arrival.completeExceptionally(new IOException("closed")));
            awaited.clear();
        }
        offered.clear();
    }
}

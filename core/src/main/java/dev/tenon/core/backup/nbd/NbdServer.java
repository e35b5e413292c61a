package dev.tenon.core.backup.nbd;

import dev.tenon.core.spi.Quoted;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves disks over NBD on a unix socket that only its own user can open. Clients of libnbd, QEMU and the kernel are
 * understood: simple and structured replies, extended headers, holes, dirty bitmaps, several connections at once. A
 * client that has not chosen a disk within ten seconds is sent away.
 */
public final class NbdServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);
    private static final Duration HANDSHAKE_LIMIT = Duration.ofSeconds(10);
    private static final AtomicLong NUMBERS = new AtomicLong();

    /** Those that listen, by the absolute paths of their sockets. */
    private static final Map<Path, NbdServer> LISTENING = new ConcurrentHashMap<>();

    private final Path socket;
    /** Which file it is, so that no other's is removed. */
    private final Object socketKey;

    private final ServerSocketChannel listener;
    private final Map<String, ServedDisk> exports;
    private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();
    private final ExecutorService threads;
    private final Buffers buffers = new Buffers();

    private NbdServer(Path socket, ServerSocketChannel listener, Map<String, ServedDisk> exports) throws IOException {
        this.socket = socket;
        this.listener = listener;
        this.exports = exports;
        this.socketKey = Files.readAttributes(socket, BasicFileAttributes.class).fileKey();
        long number = NUMBERS.incrementAndGet();
        this.threads = Executors.newCachedThreadPool(
                Thread.ofPlatform().name("nbd-" + number + "-", 0).daemon().factory());
    }

    /**
     * Begins to listen. When this returns, clients can connect.
     *
     * @param socket where the socket appears, mode 0600; there must be nothing of that name, since a server whose socket
     *     another one took could not be told apart from it
     * @param exports the disks by the names under which clients ask for them; the empty name is the default. They are the
     *     caller's to close, after the server
     * @throws FileAlreadyExistsException if there is something of that name
     */
    public static NbdServer listen(Path socket, Map<String, ? extends ServedDisk> exports) throws IOException {
        Map<String, ServedDisk> named = new LinkedHashMap<>(exports);
        for (String name : named.keySet()) {
            if (name.getBytes(StandardCharsets.UTF_8).length > Nbd.LONGEST_NAME) {
                throw new IllegalArgumentException("an export's name has at most " + Nbd.LONGEST_NAME + " bytes");
            }
        }
        if (Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(Quoted.of(socket.toString()));
        }
        // Bound in a private directory, so that it is never open to others.
        Path hidden = Files.createTempDirectory(
                socket.toAbsolutePath().getParent(),
                ".nbd",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            Path bound = hidden.resolve("s");
            listener.bind(UnixDomainSocketAddress.of(bound));
            Files.setPosixFilePermissions(bound, PosixFilePermissions.fromString("rw-------"));
            Files.createLink(socket, bound);
            Files.delete(bound);
            NbdServer server = new NbdServer(socket, listener, named);
            LISTENING.put(absolute(socket), server);
            server.threads.execute(server::accept);
            return server;
        } catch (IOException | RuntimeException e) {
            listener.close();
            throw e;
        } finally {
            Files.deleteIfExists(hidden.resolve("s"));
            Files.delete(hidden);
        }
    }

    /** Where clients connect to. */
    public Path socket() {
        return socket;
    }

    /**
     * The disk that a client of a socket would get, if it is served by this process: reading it needs no socket then. It is
     * the server's, whose end may make reading fail.
     *
     * @param export the name that the client would ask for
     * @return empty if another process listens there, or nobody, or there is no such disk
     */
    public static Optional<ServedDisk> ofThisProcess(Path socket, String export) {
        NbdServer server = LISTENING.get(absolute(socket));
        try {
            return server == null || !server.isAtItsPlace()
                    ? Optional.empty()
                    : Optional.ofNullable(server.exports.get(export));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Path absolute(Path socket) {
        return socket.toAbsolutePath().normalize();
    }

    private boolean isAtItsPlace() throws IOException {
        return Files.exists(socket, LinkOption.NOFOLLOW_LINKS)
                && socketKey.equals(
                        Files.readAttributes(socket, BasicFileAttributes.class).fileKey());
    }

    private void accept() {
        while (listener.isOpen()) {
            try {
                SocketChannel channel = listener.accept();
                connections.add(channel);
                if (!listener.isOpen()) {
                    close(channel); // who closes the server may have gone through the connections already
                    return;
                }
                threads.execute(() -> serve(channel));
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException | RuntimeException e) {
                LOG.warn("event=nbd-accept-failed socket={} reason=\"{}\"", socket, e.getMessage());
                pause();
            }
        }
    }

    /** Waits for a condition that may pass, such as a lack of descriptors. */
    private static void pause() {
        try {
            Thread.sleep(Duration.ofMillis(100));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve(SocketChannel channel) {
        Thread alarm = Thread.ofPlatform().daemon().unstarted(() -> {
            try {
                Thread.sleep(HANDSHAKE_LIMIT);
                close(channel);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        alarm.start();
        try {
            Inbound in = new Inbound(channel);
            Outbound out = new Outbound(channel);
            ServerHandshake.Agreed agreed = new ServerHandshake(in, out, exports).shake();
            alarm.interrupt();
            if (agreed == null) {
                close(channel);
            } else {
                new ServerConnection(channel, in, out, agreed, threads, buffers, () -> connections.remove(channel))
                        .serve();
            }
        } catch (IOException e) {
            LOG.debug("event=nbd-handshake-failed reason=\"{}\"", e.getMessage());
            close(channel);
        } catch (RuntimeException e) {
            LOG.error("event=nbd-handshake-failed", e);
            close(channel);
        } finally {
            alarm.interrupt();
        }
    }

    private void close(SocketChannel channel) {
        connections.remove(channel);
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("event=nbd-close-failed reason=\"{}\"", e.getMessage());
        }
    }

    /** Ends all connections, and returns when no request is being answered any more. The socket's file goes. */
    @Override
    public void close() {
        LISTENING.remove(absolute(socket), this);
        try {
            listener.close();
            if (isAtItsPlace()) {
                Files.delete(socket);
            }
        } catch (IOException e) {
            LOG.warn("event=nbd-socket-left socket={} reason=\"{}\"", socket, e.getMessage());
        }
        connections.forEach(this::close);
        threads.close();
        buffers.close();
    }
}

package dev.tenon.web;

import dev.tenon.core.linux.FileStatus;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers requests of HTTP/1.1, one on each connection, whose thread is a virtual one. How many connections there are, how
 * long a request is, and how long all of it takes is bounded, so that whoever is slow or means harm keeps a connection for a
 * while and nothing else.
 */
final class HttpListener implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HttpListener.class);

    private static final int MOST_CONNECTIONS = 64;
    private static final int MOST_REPORTS = 2;
    private static final int LONGEST_HEAD = 8192;
    private static final int PIECE = 1 << 16;
    private static final Duration HEAD_LIMIT = Duration.ofSeconds(5);
    private static final Duration WHOLE_LIMIT = Duration.ofSeconds(40);
    private static final Duration PAUSE = Duration.ofMillis(200);
    private static final String END = "\r\n\r\n";

    private final ServerSocketChannel server;
    private final WebAddress address;
    private final @Nullable Object socketFile;
    private final Function<Request, Response> site;
    private final Semaphore room = new Semaphore(MOST_CONNECTIONS);
    private final Semaphore reports = new Semaphore(MOST_REPORTS);
    private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();
    private final ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("web-clock").factory());

    /**
     * Listens.
     *
     * @throws IOException if the address cannot be had; the message says which
     */
    HttpListener(WebAddress wanted, Function<Request, Response> site) throws IOException {
        this.site = site;
        clock.setRemoveOnCancelPolicy(true);
        try {
            switch (wanted) {
                case WebAddress.Tcp tcp -> {
                    server = bound(tcp);
                    address = new WebAddress.Tcp(tcp.host(), ((InetSocketAddress) server.getLocalAddress()).getPort());
                    socketFile = null;
                }
                case WebAddress.Unix unix -> {
                    server = bound(unix.path());
                    address = unix;
                    socketFile = key(unix.path());
                }
            }
        } catch (IOException | RuntimeException e) {
            clock.shutdownNow();
            String reason = e.getMessage() == null ? "this machine has no such addresses" : e.getMessage();
            throw new IOException("the page cannot listen at '" + wanted + "' (--web): " + reason, e);
        }
    }

    /** From now on requests are answered; before, they wait. */
    void begin() {
        Thread.ofPlatform().daemon().name("web").start(this::accept);
    }

    private static ServerSocketChannel bound(WebAddress.Tcp tcp) throws IOException {
        ServerSocketChannel bound = ServerSocketChannel.open();
        try {
            return bound.bind(tcp.socket(), MOST_CONNECTIONS);
        } catch (IOException | RuntimeException e) {
            bound.close();
            throw e;
        }
    }

    /** It appears with its mode, in place of what a dead daemon left. One that is taken over from has removed its own. */
    private static ServerSocketChannel bound(Path path) throws IOException {
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                && (!FileStatus.ofLink(path).isSocket() || isAnswered(path))) {
            throw new IOException("there is something that is no socket, or that somebody listens at");
        }
        Path hidden = path.resolveSibling(
                "." + path.getFileName() + "." + ProcessHandle.current().pid());
        Files.deleteIfExists(hidden);
        ServerSocketChannel bound = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            bound.bind(UnixDomainSocketAddress.of(hidden), MOST_CONNECTIONS);
            Files.setPosixFilePermissions(hidden, PosixFilePermissions.fromString("rw-------"));
            Files.move(hidden, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return bound;
        } catch (IOException | RuntimeException e) {
            bound.close();
            Files.deleteIfExists(hidden);
            throw e;
        }
    }

    /** Whether somebody accepts connections there, or would if there were not too many. */
    private static boolean isAnswered(Path path) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.configureBlocking(false);
            channel.connect(UnixDomainSocketAddress.of(path));
            return true;
        } catch (ConnectException e) {
            return false;
        }
    }

    private static Object key(Path path) throws IOException {
        return Files.readAttributes(path, "unix:dev,ino", LinkOption.NOFOLLOW_LINKS);
    }

    /** Where it listens, with the port that it got. */
    WebAddress address() {
        return address;
    }

    /** Runs something again and again, until it is closed. */
    void every(Duration pause, Runnable work) {
        var _ = clock.scheduleWithFixedDelay(work, pause.toMillis(), pause.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void accept() {
        while (server.isOpen()) {
            try {
                SocketChannel connection = server.accept();
                if (!room.tryAcquire()) {
                    connection.close();
                    continue;
                }
                connections.add(connection);
                Thread.ofVirtual().name("web-connection").start(() -> serve(connection));
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                LOG.warn("event=web-not-accepted reason=\"{}\"", e.getMessage());
                pause();
            }
        }
    }

    /** While there are no descriptors, the next attempt fails, too. */
    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve(SocketChannel connection) {
        ScheduledFuture<?> whole = limit(connection, WHOLE_LIMIT);
        try (connection) {
            Response response;
            boolean isHead = false;
            try {
                Request request = Request.parse(head(connection));
                isHead = request.isHead();
                response = site.apply(request);
            } catch (Request.RefusedException e) {
                response = e.response();
            } catch (RuntimeException e) {
                LOG.error("event=web-failed", e);
                response = Response.text(Response.FAILED, "the page has a fault, which the log of the daemon tells");
            }
            answer(connection, response, isHead);
            linger(connection);
        } catch (IOException e) {
            LOG.debug("event=web-connection-lost reason=\"{}\"", e.toString());
        } finally {
            whole.cancel(false);
            connections.remove(connection);
            room.release();
        }
    }

    /** Whoever reads a report slowly keeps all of it in memory, so that few may. */
    private void answer(SocketChannel connection, Response response, boolean isHead) throws IOException {
        boolean isRationed = response.isLarge();
        if (isRationed && !reports.tryAcquire()) {
            answer(connection, Response.busy("others are reading reports"), isHead);
            return;
        }
        try {
            write(connection, response.head());
            if (!isHead) {
                write(connection, response.body());
            }
        } finally {
            if (isRationed) {
                reports.release();
            }
        }
    }

    private ScheduledFuture<?> limit(SocketChannel connection, Duration limit) {
        return clock.schedule(() -> close(connection), limit.toMillis(), TimeUnit.MILLISECONDS);
    }

    private static void close(SocketChannel connection) {
        try {
            connection.close();
        } catch (IOException e) {
            LOG.debug("event=web-not-closed reason=\"{}\"", e.getMessage());
        }
    }

    private String head(SocketChannel connection) throws IOException, Request.RefusedException {
        ScheduledFuture<?> soon = limit(connection, HEAD_LIMIT);
        try {
            ByteBuffer buffer = ByteBuffer.allocate(LONGEST_HEAD);
            int looked = 0;
            while (connection.read(buffer) >= 0) {
                String text = new String(buffer.array(), 0, buffer.position(), StandardCharsets.ISO_8859_1);
                int end = text.indexOf(END, Math.max(0, looked - END.length()));
                if (end >= 0) {
                    return text.substring(0, end);
                }
                looked = text.length();
                if (!buffer.hasRemaining()) {
                    throw new Request.RefusedException(Response.TOO_LARGE, "the request is too long");
                }
            }
            throw new IOException("the connection ended before the request");
        } catch (AsynchronousCloseException e) {
            throw new IOException("the request did not come in time", e);
        } finally {
            soon.cancel(false);
        }
    }

    private static void write(SocketChannel connection, byte[] bytes) throws IOException {
        for (int at = 0; at < bytes.length; ) {
            at += connection.write(ByteBuffer.wrap(bytes, at, Math.min(PIECE, bytes.length - at)));
        }
    }

    /** What was sent and not read would reset the connection, and the answer be lost. */
    private void linger(SocketChannel connection) throws IOException {
        connection.shutdownOutput();
        ScheduledFuture<?> soon = limit(connection, HEAD_LIMIT);
        try {
            ByteBuffer rest = ByteBuffer.allocate(LONGEST_HEAD);
            for (int i = 0; i < LONGEST_HEAD && connection.read(rest) >= 0; i++) {
                rest.clear();
            }
        } finally {
            soon.cancel(false);
        }
    }

    /** Nobody connects any more, and whoever is connected loses the connection. */
    @Override
    public void close() {
        clock.shutdownNow();
        try {
            server.close();
            if (address instanceof WebAddress.Unix(Path path)
                    && Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                    && key(path).equals(socketFile)) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            LOG.warn("event=web-not-closed reason=\"{}\"", e.getMessage());
        }
        connections.forEach(HttpListener::close);
    }
}

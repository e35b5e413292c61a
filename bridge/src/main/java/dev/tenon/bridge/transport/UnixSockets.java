package dev.tenon.bridge.transport;

import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** The event loops of a process, and the Unix sockets it listens on. */
public final class UnixSockets implements AutoCloseable {
    /** What the kernel's address of a Unix socket holds, without its final zero. */
    private static final int LONGEST_PATH = 107;

    private static final int HIDDEN_NAME = 8;

    /** The bits of a file's mode that tell its type, and those of a socket. */
    private static final int FILE_TYPE = 0170000;

    private static final int SOCKET = 0140000;

    private final FrameCodec codec = new FrameCodec(Limits.DEFAULT);
    private final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("tenon-loop", true), EpollIoHandler.newFactory());

    /** A socket that is listened on; closing it removes its file. */
    public static final class Listener implements AutoCloseable {
        private final Path path;
        private final Channel channel;

        private Listener(Path path, Channel channel) {
            this.path = path;
            this.channel = channel;
        }

        public Path path() {
            return path;
        }

        @Override
        public void close() {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            } finally {
                channel.close().awaitUninterruptibly(5, TimeUnit.SECONDS);
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
        if (isAnswered(path)) {
            throw new IOException(
                    "another process listens at '" + path + "' already; stop it, or choose another socket");
        }
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && !isSocket(path)) {
            throw new IOException(
                    "cannot listen at '" + path + "': there is a file that is no socket; choose another path");
        }
        // The file appears under its name only when its mode is right.
        Path hidden = path.resolveSibling("." + UUID.randomUUID().toString().substring(0, HIDDEN_NAME));
        int length = Math.max(bytes(path), bytes(hidden));
        if (length > LONGEST_PATH) {
            throw new IOException("the socket path '" + path + "' is too long by " + (length - LONGEST_PATH)
                    + " bytes; choose a shorter directory");
        }
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loops)
                .channel(EpollServerDomainSocketChannel.class)
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childHandler(new ChannelInitializer<EpollDomainSocketChannel>() {
                    @Override
                    protected void initChannel(EpollDomainSocketChannel channel) {
                        Connection.begin(channel, codec, listener);
                    }
                });
        var bound = bootstrap.bind(new DomainSocketAddress(hidden.toFile())).awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(
                    "cannot listen at '" + path + "': " + bound.cause().getMessage(), bound.cause());
        }
        try {
            Files.setPosixFilePermissions(hidden, PosixFilePermissions.fromString("rw-------"));
            Files.move(hidden, path, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            var _ = bound.channel().close();
            Files.deleteIfExists(hidden);
            throw e;
        }
        return new Listener(path, bound.channel());
    }

    private static boolean isSocket(Path path) throws IOException {
        int mode = (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        return (mode & FILE_TYPE) == SOCKET;
    }

    private static int bytes(Path path) {
        return path.toString().getBytes(StandardCharsets.UTF_8).length;
    }

    /** Whether somebody listens at this path. */
    public static boolean isAnswered(Path path) {
        if (!Files.exists(path)) {
            return false;
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return probe.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void close() {
        loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
    }
}

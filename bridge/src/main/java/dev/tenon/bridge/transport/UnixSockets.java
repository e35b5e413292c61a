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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** The event loops of a process, and the Unix sockets it listens on. */
public final class UnixSockets implements AutoCloseable {
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
        SocketFile file = SocketFile.at(path);
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
        var bound =
                bootstrap.bind(new DomainSocketAddress(file.hidden().toFile())).awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(
                    "cannot listen at '" + path + "': " + bound.cause().getMessage(), bound.cause());
        }
        try {
            file.publish();
        } catch (IOException e) {
            var _ = bound.channel().close();
            throw e;
        }
        return new Listener(path, bound.channel());
    }

    /** Whether somebody listens at this path. */
    public static boolean isAnswered(Path path) {
        return SocketFile.isAnswered(path);
    }

    @Override
    public void close() {
        loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
    }
}

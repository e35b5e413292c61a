package dev.tenon.bridge.transport;

import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.ProtocolException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One connection over a Unix socket, in frames. Safe for use by many threads. */
public final class Connection {
    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

    private final EpollDomainSocketChannel channel;
    private final FrameCodec codec;

    private Connection(EpollDomainSocketChannel channel, FrameCodec codec) {
        this.channel = channel;
        this.codec = codec;
    }

    static void begin(
            EpollDomainSocketChannel channel, FrameCodec codec, Function<Connection, ConnectionListener> listener) {
        Connection connection = new Connection(channel, codec);
        channel.pipeline().addLast(new Reader(connection, listener.apply(connection)));
    }

    /**
     * Who is at the other end.
     *
     * @throws IOException if the connection has ended already
     */
    public PeerCredentials peer() throws IOException {
        io.netty.channel.unix.PeerCredentials peer = channel.peerCredentials();
        return new PeerCredentials(peer.pid(), peer.uid());
    }

    /**
     * Sends a frame; returns before it is on its way. A connection that has ended drops it.
     *
     * @throws ProtocolException if the frame breaks the limits; then nothing is sent
     */
    public void send(Frame frame) {
        var _ = channel.writeAndFlush(Unpooled.wrappedBuffer(codec.encode(frame)), channel.voidPromise());
    }

    /** Sends a last frame and ends the connection. */
    public void close(Frame.Close last) {
        if (!channel.isOpen()) {
            return;
        }
        var _ = channel.writeAndFlush(Unpooled.wrappedBuffer(codec.encode(last)))
                .addListener(ChannelFutureListener.CLOSE);
    }

    /** Runs something on the connection's event loop after a while, unless the future is cancelled before. */
    public Future<?> after(Duration delay, Runnable task) {
        return channel.eventLoop().schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
    }

    /**
     * Cuts frames from the stream. The length is checked as soon as its four bytes are there, so a peer that claims too
     * much is refused before anything is kept for it.
     */
    private static final class Reader extends ByteToMessageDecoder {
        private final Connection connection;
        private final ConnectionListener listener;
        private @Nullable String reason;

        Reader(Connection connection, ConnectionListener listener) {
            this.connection = connection;
            this.listener = listener;
        }

        @Override
        protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
            if (reason != null) {
                in.skipBytes(in.readableBytes());
                return;
            }
            if (in.readableBytes() < FrameCodec.LENGTH_BYTES) {
                return;
            }
            try {
                long length = in.getUnsignedInt(in.readerIndex());
                connection.codec.checkLength(length);
                if (in.readableBytes() - FrameCodec.LENGTH_BYTES < length) {
                    return;
                }
                in.skipBytes(FrameCodec.LENGTH_BYTES);
                byte[] payload = new byte[(int) length];
                in.readBytes(payload);
                listener.received(connection.codec.decode(payload));
            } catch (ProtocolException e) {
                in.skipBytes(in.readableBytes());
                refuse(e);
            }
        }

        private void refuse(ProtocolException e) {
            reason = e.getMessage();
            LOG.warn("event=protocol-error code={} {}", e.code(), e.getMessage());
            connection.close(new Frame.Close(e.code().name(), e.getMessage()));
        }

        @Override
        protected void decodeLast(ChannelHandlerContext context, ByteBuf in, List<Object> out) throws Exception {
            super.decodeLast(context, in, out);
            if (reason == null && in.isReadable()) {
                refuse(new ProtocolException(
                        ErrorCode.MALFORMED_FRAME,
                        "the peer ended the connection inside a frame, after " + in.readableBytes() + " bytes of it"));
            }
        }

        /** A peer that only stopped to send may still read what is wrong with its last words. */
        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
            super.userEventTriggered(context, event);
            if (event instanceof ChannelInputShutdownEvent && reason == null) {
                var _ = context.close();
            }
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext context) {
            // A peer that does not read its answers is not read either, so they cannot pile up here.
            context.channel().config().setAutoRead(context.channel().isWritable());
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) throws Exception {
            super.channelInactive(context);
            listener.closed(reason == null ? "the peer ended the connection" : reason);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            reason = "the connection failed: " + cause.getMessage();
            var _ = context.close();
        }
    }
}

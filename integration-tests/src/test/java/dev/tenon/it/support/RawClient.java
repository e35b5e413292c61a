package dev.tenon.it.support;

import dev.tenon.proto.CallContext;
import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import dev.tenon.proto.Value;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A connection to a daemon in bytes, for saying what no client would say. */
public final class RawClient implements Closeable {
    private static final FrameCodec CODEC = new FrameCodec(Limits.DEFAULT);
    private static final long LIMIT_SECONDS = 20;
    /** Stands for the end of the connection. */
    private static final Frame END = new Frame.Notify("end", Value.fields());

    private final SocketChannel channel;
    private final BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();

    private RawClient(SocketChannel channel) {
        this.channel = channel;
    }

    /** Connects and says nothing. */
    public static RawClient connect(Path socket) {
        try {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(socket));
            RawClient client = new RawClient(channel);
            Thread.ofVirtual().start(client::read);
            return client;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Connects and exchanges hellos. */
    public static RawClient greet(Path socket) {
        RawClient client = connect(socket);
        client.send(hello(1));
        if (!(client.next() instanceof Frame.Hello)) {
            throw new AssertionError("the daemon did not say hello");
        }
        return client;
    }

    public static Frame.Hello hello(long... protocols) {
        return new Frame.Hello(new Value.Fields(Map.of(
                "protocols",
                new Value.Seq(java.util.Arrays.stream(protocols)
                        .<Value>mapToObj(Value.Int::new)
                        .toList()),
                "role",
                Value.ofText("client"))));
    }

    private void read() {
        try {
            while (true) {
                ByteBuffer header = fill(ByteBuffer.allocate(FrameCodec.LENGTH_BYTES));
                byte[] payload = fill(ByteBuffer.allocate(header.getInt())).array();
                frames.add(CODEC.decode(payload));
            }
        } catch (IOException | RuntimeException e) {
            frames.add(END);
        }
    }

    private ByteBuffer fill(ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new EOFException();
            }
        }
        return buffer.flip();
    }

    public void send(Frame frame) {
        bytes(CODEC.encode(frame));
    }

    /** Sends these bytes, written in hexadecimal, with or without blanks. */
    public void hex(String hex) {
        bytes(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    public void bytes(byte[] bytes) {
        try {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Says that nothing more will be sent. */
    public void shutdownOutput() {
        try {
            channel.shutdownOutput();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public void request(long id, String method, Map<String, ? extends Value> params, @Nullable String plugin) {
        request(id, method, params, plugin, null);
    }

    public void request(
            long id,
            String method,
            Map<String, ? extends Value> params,
            @Nullable String plugin,
            @Nullable Duration deadline) {
        send(new Frame.Request(id, method, new Value.Fields(Map.copyOf(params)), new CallContext(plugin, deadline)));
    }

    /** The next frame of the daemon; fails if the connection ends. */
    public Frame next() {
        Frame frame = poll();
        if (frame.equals(END)) {
            throw new AssertionError("the connection has ended");
        }
        return frame;
    }

    /** The daemon's last frame, after which it ends the connection. */
    public Frame.Close last() {
        Frame frame = next();
        if (!(frame instanceof Frame.Close close)) {
            throw new AssertionError("no close but " + frame);
        }
        Frame end = poll();
        if (!end.equals(END)) {
            throw new AssertionError("after its last frame comes " + end);
        }
        return close;
    }

    /** What the plugin printed meanwhile may come before it. */
    private Frame answer() {
        Frame frame = next();
        while (frame instanceof Frame.Notify) {
            frame = next();
        }
        return frame;
    }

    /** The next frame but for notices, which must be a failure. */
    public Frame.Failure failure() {
        Frame frame = answer();
        if (frame instanceof Frame.Failure failure) {
            return failure;
        }
        throw new AssertionError("no failure but " + frame);
    }

    /** The next frame but for notices, which must be a response. */
    public Frame.Response response() {
        Frame frame = answer();
        if (frame instanceof Frame.Response response) {
            return response;
        }
        throw new AssertionError("no response but " + frame);
    }

    /** What has come and was not looked at. */
    public List<Frame> rest() {
        return List.copyOf(frames);
    }

    private Frame poll() {
        try {
            Frame frame = frames.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
            if (frame == null) {
                throw new AssertionError("the daemon says nothing");
            }
            return frame;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

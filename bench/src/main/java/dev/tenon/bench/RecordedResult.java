package dev.tenon.bench;

import dev.tenon.proto.CallContext;
import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import dev.tenon.proto.Value;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Takes down the very bytes of an answer, for the echo to repeat. */
final class RecordedResult {
    private static final FrameCodec CODEC = new FrameCodec(Limits.DEFAULT);

    /** The list, the kind, and an id that takes one byte. */
    private static final int BEFORE_RESULT = 3;

    private RecordedResult() {}

    /** Makes the call and returns the bytes of its result. */
    static byte[] of(Path socket, String plugin, String method, Value.Fields params) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            DataInputStream in = new DataInputStream(Channels.newInputStream(channel));
            send(
                    channel,
                    new Frame.Hello(new Value.Fields(Map.of(
                            "protocols", new Value.Seq(List.of(new Value.Int(1))), "role", new Value.Text("client")))));
            var _ = receive(in);
            send(channel, new Frame.Request(1, method, params, new CallContext(plugin, null)));
            byte[] answer = receive(in);
            if (!(CODEC.decode(answer) instanceof Frame.Response)) {
                throw new IOException(method + " failed: " + CODEC.decode(answer));
            }
            send(channel, new Frame.Close("DONE", ""));
            return Arrays.copyOfRange(answer, BEFORE_RESULT, answer.length);
        }
    }

    private static void send(SocketChannel channel, Frame frame) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(CODEC.encode(frame));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static byte[] receive(DataInputStream in) throws IOException {
        byte[] payload = new byte[in.readInt()];
        in.readFully(payload);
        return payload;
    }
}

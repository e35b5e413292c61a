package dev.tenon.bridge.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class SilentPeerTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    @Timeout(20)
    void endsAConnectionOnWhichNoHelloComes() throws IOException {
        Session.Settings settings = new Session.Settings(
                StorageApi.API,
                "daemon",
                Value.fields(),
                peer -> true,
                call -> Value.Nil.NIL,
                notice -> {},
                Duration.ofMillis(50));
        Path socket = directory.resolve("s");
        try (UnixSockets sockets = new UnixSockets();
                UnixSockets.Listener _ = sockets.listen(socket, connection -> new Session(connection, settings));
                SocketChannel peer = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            peer.connect(UnixDomainSocketAddress.of(socket));

            InputStream in = Channels.newInputStream(peer);
            byte[] all = in.readAllBytes();

            int length = ByteBuffer.wrap(all).getInt();
            byte[] payload = Arrays.copyOfRange(all, FrameCodec.LENGTH_BYTES, FrameCodec.LENGTH_BYTES + length);
            assertThat(new FrameCodec(Limits.DEFAULT).decode(payload))
                    .isEqualTo(new Frame.Close("UNEXPECTED_FRAME", "no hello came within 50 ms of the connection"));
        }
    }
}

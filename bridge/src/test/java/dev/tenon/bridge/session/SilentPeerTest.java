package dev.tenon.bridge.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
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

    @Test
    @Timeout(20)
    void aCallThatIsNotAnsweredSaysHowLongItWaited() throws IOException, InterruptedException, ExecutionException {
        CompletableFuture<Boolean> over = new CompletableFuture<>();
        Session.Settings silent = new Session.Settings(
                StorageApi.API,
                "daemon",
                Value.fields(),
                peer -> true,
                call -> {
                    over.join();
                    return Value.Nil.NIL;
                },
                notice -> {},
                Duration.ofSeconds(10));
        Path socket = directory.resolve("s");
        try (UnixSockets sockets = new UnixSockets();
                UnixSockets.Listener _ = sockets.listen(socket, connection -> new Session(connection, silent))) {
            CompletableFuture<Session> made = new CompletableFuture<>();
            sockets.connect(socket, connection -> {
                made.complete(new Session(connection, silent));
                return made.join();
            });
            Session session = made.join();
            session.greet();
            session.opened().get();

            assertThatExceptionOfType(TimeoutException.class)
                    .isThrownBy(() -> session.call("status", Value.fields(), Duration.ofMillis(50)))
                    .withMessage("no answer came within 50 ms");
        } finally {
            over.complete(true);
        }
    }
}

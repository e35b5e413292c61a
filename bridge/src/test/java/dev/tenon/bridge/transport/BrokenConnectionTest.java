package dev.tenon.bridge.transport;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Nothing can be sent to a peer that reads no more, while what it said before may still be read. */
class BrokenConnectionTest {
    private static final int MANY = 300;
    private static final int PATIENCE_SECONDS = 5;

    @TempDir
    private Path directory = Path.of("");

    /** This side of one connection. */
    private static final class Ear implements ConnectionListener {
        private final Connection connection;
        private final BlockingQueue<Frame> done = new LinkedBlockingQueue<>();
        private final CompletableFuture<String> closed = new CompletableFuture<>();

        Ear(Connection connection) {
            this.connection = connection;
        }

        @Override
        public @Nullable Runnable received(Frame frame) {
            return () -> done.add(frame);
        }

        @Override
        public void closed(String reason) {
            closed.complete(reason);
        }
    }

    private static SocketChannel connected(Path socket) throws IOException {
        SocketChannel peer = SocketChannel.open(StandardProtocolFamily.UNIX);
        peer.connect(UnixDomainSocketAddress.of(socket));
        return peer;
    }

    @Test
    @Timeout(60)
    void theLastWordIsTakenAndTheEndIsToldWhoeverNoticesItFirst() throws Exception {
        FrameCodec codec = new FrameCodec(Limits.DEFAULT);
        byte[] first = codec.encode(new Frame.Cancel(1));
        byte[] last = codec.encode(new Frame.Cancel(2));
        BlockingQueue<Ear> ears = new LinkedBlockingQueue<>();
        Path socket = directory.resolve("s");
        try (UnixSockets sockets = new UnixSockets();
                UnixSockets.Listener _ = sockets.listen(socket, connection -> {
                    Ear ear = new Ear(connection);
                    ears.add(ear);
                    return ear;
                })) {
            for (int i = 0; i < MANY; i++) {
                try (SocketChannel peer = connected(socket)) {
                    Ear ear = ears.take();
                    peer.write(ByteBuffer.wrap(first));
                    assertThat(ear.done.take()).isEqualTo(new Frame.Cancel(1));
                    peer.shutdownInput();
                    peer.write(ByteBuffer.wrap(last));
                    ear.connection.send(new Frame.Ping(1));

                    assertThat(ear.closed.get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                            .isEqualTo("the peer ended the connection");
                    assertThat(ear.done.poll(PATIENCE_SECONDS, TimeUnit.SECONDS))
                            .isEqualTo(new Frame.Cancel(2));
                }
            }
        }
    }

    @Test
    @Timeout(20)
    void aConnectionEndsThoughItsPeerCannotBeToldThatItsLastFrameWasCut() throws Exception {
        BlockingQueue<Ear> ears = new LinkedBlockingQueue<>();
        Path socket = directory.resolve("s");
        try (UnixSockets sockets = new UnixSockets();
                UnixSockets.Listener _ = sockets.listen(socket, connection -> {
                    Ear ear = new Ear(connection);
                    ears.add(ear);
                    return ear;
                });
                SocketChannel peer = connected(socket)) {
            Ear ear = ears.take();
            peer.write(ByteBuffer.wrap(new byte[] {0, 0, 0, 100, 1, 2, 3}));
            peer.shutdownInput();
            ear.connection.send(new Frame.Ping(1));

            assertThat(ear.closed.get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .isEqualTo("the peer ended the connection inside a frame, after 7 bytes of it");
        }
    }
}

package dev.tenon.bridge.transport;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import dev.tenon.proto.Value;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What peers do not read is bounded, for each in time and for all in memory. */
class UnreadTest {
    private static final long MIB = 1 << 20;
    private static final Frame LARGE =
            new Frame.Notify("note", Value.fields("text", new Value.Text("x".repeat(3 << 20))));
    private static final int LARGE_BYTES = new FrameCodec(Limits.DEFAULT).encode(LARGE).length;

    @TempDir
    private Path directory = Path.of("");

    private final BlockingQueue<Ear> ears = new LinkedBlockingQueue<>();

    /** This side of one connection. */
    private static final class Ear implements ConnectionListener {
        private final Connection connection;
        private final CompletableFuture<String> closed = new CompletableFuture<>();

        Ear(Connection connection) {
            this.connection = connection;
        }

        @Override
        public @Nullable Runnable received(Frame frame) {
            return null;
        }

        @Override
        public void closed(String reason) {
            closed.complete(reason);
        }
    }

    private UnixSockets.Listener listen(UnixSockets sockets) throws IOException {
        return sockets.listen(directory.resolve("s"), connection -> {
            Ear ear = new Ear(connection);
            ears.add(ear);
            return ear;
        });
    }

    private SocketChannel connected() throws IOException {
        SocketChannel peer = SocketChannel.open(StandardProtocolFamily.UNIX);
        peer.connect(UnixDomainSocketAddress.of(directory.resolve("s")));
        return peer;
    }

    private static int lengthRead(SocketChannel peer) throws IOException {
        DataInputStream in = new DataInputStream(Channels.newInputStream(peer));
        int length = in.readInt();
        in.skipNBytes(length);
        return FrameCodec.LENGTH_BYTES + length;
    }

    @Test
    @Timeout(60)
    void aPeerThatNeverReadsIsEndedAndItIsSaidWhy() throws Exception {
        try (UnixSockets sockets = new UnixSockets(Duration.ofMillis(200), 64 * MIB);
                UnixSockets.Listener _ = listen(sockets);
                SocketChannel _ = connected()) {
            Ear ear = ears.take();
            ear.connection.send(LARGE);

            assertThat(ear.closed.get()).matches("the peer has read nothing for 200 ms, with [0-9]{7} bytes waiting");
        }
    }

    @Test
    @Timeout(60)
    void whatIsSentWhileTheListenerIsMadeArrivesHoweverMuchItIs() throws Exception {
        try (UnixSockets sockets = new UnixSockets(Duration.ofMinutes(10), 64 * MIB);
                UnixSockets.Listener _ = sockets.listen(directory.resolve("s"), connection -> {
                    connection.send(LARGE);
                    return new Ear(connection);
                });
                SocketChannel reading = connected()) {
            assertThat(lengthRead(reading)).isEqualTo(LARGE_BYTES);
        }
    }

    @Test
    @Timeout(60)
    void aPeerThatHasReadAllIsNotEndedHoweverLongItSaysNothing() throws Exception {
        try (UnixSockets sockets = new UnixSockets(Duration.ofMillis(200), 64 * MIB);
                UnixSockets.Listener _ = listen(sockets);
                SocketChannel reading = connected()) {
            Ear ear = ears.take();
            try (SocketChannel _ = connected()) {
                Ear other = ears.take();
                ear.connection.send(LARGE);
                assertThat(lengthRead(reading)).isEqualTo(LARGE_BYTES);

                other.connection.send(LARGE);
                assertThat(other.closed.get()).contains("read nothing");
            }
            assertThat(ear.closed).isNotDone();
            ear.connection.send(LARGE);
            assertThat(lengthRead(reading)).isEqualTo(LARGE_BYTES);
        }
    }

    @Test
    @Timeout(60)
    void ofManyWhoDoNotReadTheOneThatHasNotForLongestIsEndedWhenAllIsTooMuch() throws Exception {
        try (UnixSockets sockets = new UnixSockets(Duration.ofMinutes(10), 8 * MIB);
                UnixSockets.Listener _ = listen(sockets);
                SocketChannel _ = connected();
                SocketChannel second = connected();
                SocketChannel third = connected()) {
            Ear longest = ears.take();
            Ear other = ears.take();
            Ear last = ears.take();
            for (Ear ear : new Ear[] {longest, other, last}) {
                ear.connection.send(LARGE);
            }

            assertThat(longest.closed.get())
                    .isEqualTo("the peer reads too slowly: what all peers have not read is more than 8 MiB");
            for (SocketChannel peer : new SocketChannel[] {third, second}) {
                assertThat(lengthRead(peer)).isEqualTo(LARGE_BYTES);
            }
            assertThat(other.closed).isNotDone();
            assertThat(last.closed).isNotDone();
        }
    }
}

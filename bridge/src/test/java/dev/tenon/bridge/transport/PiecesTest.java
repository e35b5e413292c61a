package dev.tenon.bridge.transport;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import dev.tenon.proto.Value;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Long frames go in pieces where the peer takes them so, and others go between. */
@Timeout(60)
class PiecesTest {
    private static final FrameCodec CODEC = new FrameCodec(Limits.DEFAULT);
    private static final Frame LONG = response(1, 3 << 20);

    @TempDir
    private Path directory = Path.of("");

    private final BlockingQueue<Ear> ears = new LinkedBlockingQueue<>();
    private final UnixSockets sockets = new UnixSockets();
    private final SocketChannel peer = unconnected();
    private final DataInputStream in = new DataInputStream(Channels.newInputStream(peer));

    /** This side, which answers pings. */
    private static final class Ear implements ConnectionListener {
        private final Connection connection;
        private final BlockingQueue<Frame> received = new LinkedBlockingQueue<>();
        private final BlockingQueue<Long> answered = new LinkedBlockingQueue<>();

        Ear(Connection connection) {
            this.connection = connection;
        }

        @Override
        public @Nullable Runnable received(Frame frame) {
            if (frame instanceof Frame.Ping(long nonce)) {
                connection.send(new Frame.Pong(nonce));
                answered.add(nonce);
            } else {
                received.add(frame);
            }
            return null;
        }

        @Override
        public void closed(String reason) {
            // The peer is told why.
        }
    }

    private static SocketChannel unconnected() {
        try {
            return SocketChannel.open(StandardProtocolFamily.UNIX);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Frame response(long id, int bytes) {
        return new Frame.Response(id, Value.fields("text", new Value.Text("x".repeat(bytes))));
    }

    @BeforeEach
    void connect() throws IOException {
        sockets.listen(directory.resolve("s"), connection -> {
            Ear ear = new Ear(connection);
            ears.add(ear);
            return ear;
        });
        peer.connect(UnixDomainSocketAddress.of(directory.resolve("s")));
    }

    @AfterEach
    void end() throws IOException {
        peer.close();
        sockets.close();
    }

    private Ear taking() throws InterruptedException {
        Ear ear = ears.take();
        ear.connection.cutLongFrames();
        return ear;
    }

    private Frame read() throws IOException {
        byte[] payload = new byte[in.readInt()];
        in.readFully(payload);
        return CODEC.decode(payload);
    }

    private void write(Frame frame) throws IOException {
        write(CODEC.encode(frame));
    }

    private void write(byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            peer.write(buffer);
        }
    }

    private static Frame.Piece piece(long left, byte... bytes) {
        return new Frame.Piece(left, new Value.Bytes(bytes));
    }

    /** Pieces of the payload of a frame, so many bytes each. */
    private static List<Frame> cut(Frame frame, int most) {
        byte[] payload = CODEC.encode(frame);
        List<Frame> pieces = new ArrayList<>();
        for (int at = FrameCodec.LENGTH_BYTES; at < payload.length; at += most) {
            int end = Math.min(payload.length, at + most);
            pieces.add(piece(payload.length - end, Arrays.copyOfRange(payload, at, end)));
        }
        return pieces;
    }

    /** What was read, with the pieces of a long frame put together; its last piece tells its place. */
    private List<Frame> read(int frames) throws IOException {
        List<Frame> whole = new ArrayList<>();
        ByteArrayOutputStream payload = new ByteArrayOutputStream();
        while (whole.size() < frames) {
            Frame frame = read();
            if (frame instanceof Frame.Piece(long left, Value.Bytes bytes)) {
                payload.writeBytes(bytes.bytes());
                if (left == 0) {
                    whole.add(CODEC.decode(payload.toByteArray()));
                    payload.reset();
                }
            } else {
                whole.add(frame);
            }
        }
        return whole;
    }

    @Test
    void aPingIsAnsweredBetweenThePiecesOfALongAnswer() throws Exception {
        Ear ear = taking();
        ear.connection.send(LONG);
        write(new Frame.Ping(7));
        assertThat(ear.answered.take()).isEqualTo(7);

        assertThat(read(2)).containsExactly(new Frame.Pong(7), LONG);
    }

    @Test
    void aSecondLongAnswerAndACancelFollowTheFirst() throws Exception {
        Ear ear = taking();
        Frame second = response(2, 2 << 20);
        ear.connection.send(LONG);
        ear.connection.send(second);
        ear.connection.send(new Frame.Cancel(1));
        ear.connection.send(response(3, 1));

        assertThat(read(4)).containsExactly(response(3, 1), LONG, second, new Frame.Cancel(1));
    }

    @Test
    void aCloseComesLast() throws Exception {
        Ear ear = taking();
        Frame.Close close = new Frame.Close("SHUTTING_DOWN", "");
        ear.connection.send(LONG);
        ear.connection.send(response(2, 1));
        ear.connection.close(close);

        assertThat(read(3)).containsExactly(response(2, 1), LONG, close);
    }

    @Test
    void aPeerThatTakesNoPiecesGetsWholeFrames() throws Exception {
        Ear ear = ears.take();
        ear.connection.send(LONG);
        ear.connection.send(new Frame.Pong(7));

        assertThat(read()).isEqualTo(LONG);
        assertThat(read()).isEqualTo(new Frame.Pong(7));
    }

    @ParameterizedTest
    @ValueSource(ints = {1 << 18, 4 << 20})
    void aLongFrameOfThePeerIsPutTogetherAndItsPingsAreAnsweredMeanwhile(int most) throws Exception {
        Ear ear = ears.take();
        long nonce = 0;
        for (Frame piece : cut(LONG, most)) {
            write(new Frame.Ping(++nonce));
            assertThat(read()).isEqualTo(new Frame.Pong(nonce));
            write(piece);
        }
        assertThat(ear.received.take()).isEqualTo(LONG);
    }

    @Test
    void aShortFrameMayComeInPiecesToo() throws Exception {
        Ear ear = ears.take();
        for (Frame piece : cut(response(5, 3), 1)) {
            write(piece);
        }
        assertThat(ear.received.take()).isEqualTo(response(5, 3));
    }

    static Stream<Arguments> misfits() {
        byte[] some = {1, 2, 3};
        byte[] close = CODEC.encode(new Frame.Close("DONE", ""));
        return Stream.of(
                Arguments.of(ErrorCode.MALFORMED_FRAME, List.of(piece(8, some), piece(7, some))),
                Arguments.of(ErrorCode.MALFORMED_FRAME, List.of(piece(8, some), piece(0, some))),
                Arguments.of(ErrorCode.MALFORMED_FRAME, List.of(piece(8))),
                Arguments.of(ErrorCode.MALFORMED_FRAME, List.of(piece(Long.MAX_VALUE, some))),
                Arguments.of(ErrorCode.MALFORMED_FRAME, List.of(piece(0, some))),
                Arguments.of(ErrorCode.FRAME_TOO_LONG, List.of(piece(Limits.DEFAULT.frameBytes(), some))),
                Arguments.of(ErrorCode.UNEXPECTED_FRAME, cut(piece(0, close), 4)),
                Arguments.of(ErrorCode.UNEXPECTED_FRAME, cut(new Frame.Hello(Value.fields()), 2)));
    }

    @ParameterizedTest
    @MethodSource("misfits")
    void piecesThatDoNotFitEndTheConnection(ErrorCode code, List<Frame> pieces) throws Exception {
        for (Frame piece : pieces) {
            write(piece);
        }
        assertThat(read())
                .isInstanceOfSatisfying(
                        Frame.Close.class, close -> assertThat(close.reason()).isEqualTo(code.name()));
    }

    @Test
    void anEndBetweenPiecesIsAnEndInsideAFrame() throws Exception {
        write(piece(8, (byte) 1));
        peer.shutdownOutput();

        assertThat(read())
                .isInstanceOfSatisfying(
                        Frame.Close.class,
                        close -> assertThat(close.message())
                                .isEqualTo("the peer ended the connection inside a frame, after 1 bytes of it"));
    }
}

package dev.tenon.core.backup.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.function.LongFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Servers that lie, and clients that talk nonsense. */
class NbdHostilePeersTest {
    private static final int SIZE = 1 << 20;
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String BITMAP = Extent.DIRTY_BITMAP + "half";

    @TempDir
    Path directory;

    private static ByteBuffer chunk(int flags, int type, long cookie, int length, int room) {
        return ByteBuffer.allocate(20 + room)
                .putInt(Nbd.STRUCTURED_REPLY_MAGIC)
                .putShort((short) flags)
                .putShort((short) type)
                .putLong(cookie)
                .putInt(length);
    }

    private static Arguments lie(String name, String words, LongFunction<ByteBuffer> answer) {
        return Arguments.of(name, words, answer);
    }

    /** Answers to a read of 4096 bytes at 8192 that no server may give, and what is said of them. */
    static Stream<Arguments> lies() {
        return Stream.of(
                lie("an unknown cookie", "the cookie 77, which nobody made", id -> chunk(1, 1, 77, 4104, 4104)),
                lie("an oversized chunk", "a chunk of type 1 and 4294967295 bytes", id -> chunk(1, 1, id, -1, 0)),
                lie(
                        "a chunk of more than was asked",
                        "a chunk of type 1 and 4105 bytes",
                        id -> chunk(1, 1, id, 4105, 4105)),
                lie(
                        "data for elsewhere",
                        "with data for 4096",
                        id -> chunk(1, 1, id, 4104, 4104).putLong(4096)),
                lie(
                        "data for nowhere",
                        "with data for -1",
                        id -> chunk(1, 1, id, 4104, 4104).putLong(-1)),
                lie(
                        "a hole behind the end",
                        "with a hole at 8192",
                        id -> chunk(1, 2, id, 12, 12).putLong(8192).putInt(4097)),
                lie(
                        "an empty hole",
                        "with a hole at 8192",
                        id -> chunk(1, 2, id, 12, 12).putLong(8192).putInt(0)),
                lie(
                        "half of the data",
                        "before all of it has come",
                        id -> chunk(1, 1, id, 2056, 2056).putLong(8192)),
                lie("no data", "before all of it has come", id -> chunk(1, 0, id, 0, 0)),
                lie("extents", "a chunk of type 5 and 12 bytes", id -> chunk(1, 5, id, 12, 12)),
                lie("the same data twice", "with data for 8192", id -> {
                    byte[] once = chunk(0, 1, id, 2056, 2056).putLong(8192).array();
                    return ByteBuffer.allocate(2 * once.length).put(once).put(once);
                }),
                lie(
                        "a simple answer",
                        "without chunks",
                        id -> ByteBuffer.allocate(16 + 4096)
                                .putInt(Nbd.SIMPLE_REPLY_MAGIC)
                                .putInt(0)
                                .putLong(id)),
                lie(
                        "an unknown magic",
                        "a reply begins with deadbeef",
                        id -> ByteBuffer.allocate(16).putInt(0xdeadbeef)),
                lie("a kind of chunk that is unknown", "a chunk of type 99", id -> chunk(1, 99, id, 4, 4)),
                lie(
                        "an error that is too short",
                        "a chunk of type 32769 and 2 bytes",
                        id -> chunk(1, 0x8001, id, 2, 2)),
                lie(
                        "an error longer than its chunk",
                        "a chunk of type 32769",
                        id -> chunk(1, 0x8001, id, 8, 8).putInt(5).putShort((short) 200)),
                lie("nothing at all", "closed the connection", id -> ByteBuffer.allocate(0)));
    }

    private static void shakeHands(SocketChannel client, int size) throws IOException {
        InputStream in = Channels.newInputStream(client);
        write(
                client,
                ByteBuffer.allocate(18)
                        .putLong(Nbd.MAGIC)
                        .putLong(Nbd.OPTION_MAGIC)
                        .putShort((short) 3));
        in.readNBytes(4);
        while (true) {
            ByteBuffer head = ByteBuffer.wrap(in.readNBytes(16));
            int option = head.getInt(8);
            in.readNBytes(head.getInt(12));
            switch (option) {
                case Nbd.OPT_EXTENDED_HEADERS -> write(client, reply(option, Nbd.REP_ERR_UNSUP, 0));
                case Nbd.OPT_STRUCTURED_REPLY -> write(client, reply(option, Nbd.REP_ACK, 0));
                case Nbd.OPT_SET_META_CONTEXT -> {
                    byte[] name = BITMAP.getBytes(StandardCharsets.US_ASCII);
                    write(
                            client,
                            reply(option, Nbd.REP_META_CONTEXT, Integer.BYTES + name.length)
                                    .putInt(1)
                                    .put(name));
                    write(client, reply(option, Nbd.REP_ACK, 0));
                }
                default -> {
                    write(
                            client,
                            reply(option, Nbd.REP_INFO, 12)
                                    .putShort((short) Nbd.INFO_EXPORT)
                                    .putLong(size)
                                    .putShort((short) 3));
                    write(client, reply(option, Nbd.REP_ACK, 0));
                    return;
                }
            }
        }
    }

    private static ByteBuffer reply(int option, int type, int length) {
        return ByteBuffer.allocate(20 + length)
                .putLong(Nbd.OPTION_REPLY_MAGIC)
                .putInt(option)
                .putInt(type)
                .putInt(length);
    }

    private static void write(SocketChannel channel, ByteBuffer message) throws IOException {
        message.rewind();
        while (message.hasRemaining()) {
            channel.write(message);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lies")
    void aLieEndsTheConnectionWithASentence(String name, String words, LongFunction<ByteBuffer> answer)
            throws Exception {
        Path socket = directory.resolve("liar.sock");
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(socket));
            Thread liar = Thread.ofVirtual().start(() -> {
                try (SocketChannel client = listener.accept()) {
                    shakeHands(client, SIZE);
                    ByteBuffer request =
                            ByteBuffer.wrap(Channels.newInputStream(client).readNBytes(28));
                    write(client, answer.apply(request.getLong(8)));
                } catch (IOException e) {
                    // the client went first
                }
            });
            try (NbdClient client = NbdClient.connect(socket, "", null, LIMIT)) {
                assertThatThrownBy(() -> client.read(8192, ByteBuffer.allocate(4096)))
                        .isInstanceOfSatisfying(
                                NbdException.class, e -> assertThat(e.error()).isEqualTo(NbdError.CONNECTION_LOST))
                        .hasMessageContaining(words);
                assertThatThrownBy(() -> client.read(0, ByteBuffer.allocate(4096)))
                        .isInstanceOfSatisfying(
                                NbdException.class, e -> assertThat(e.error()).isEqualTo(NbdError.CONNECTION_LOST));
            }
            liar.join(LIMIT);
        }
    }

    /** What it does not tell is not clean. */
    @Test
    void aBitmapThatDoesNotCoverTheDiskEndsTheConnection() throws Exception {
        Path socket = directory.resolve("half.sock");
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(socket));
            Thread liar = Thread.ofVirtual().start(() -> {
                try (SocketChannel client = listener.accept()) {
                    shakeHands(client, SIZE);
                    InputStream in = Channels.newInputStream(client);
                    long first = ByteBuffer.wrap(in.readNBytes(28)).getLong(8);
                    write(
                            client,
                            chunk(1, 5, first, 12, 12)
                                    .putInt(1)
                                    .putInt(SIZE / 2)
                                    .putInt(0));
                    long second = ByteBuffer.wrap(in.readNBytes(28)).getLong(8);
                    write(client, chunk(1, 0, second, 0, 0));
                } catch (IOException e) {
                    // the client went first
                }
            });
            try (NbdClient client = NbdClient.connect(socket, "", BITMAP, LIMIT)) {
                assertThat(client.extents(0, SIZE)).containsExactly(new Extent(0, SIZE / 2, 0));
                assertThatThrownBy(() -> client.extents(SIZE / 2, SIZE / 2))
                        .isInstanceOfSatisfying(
                                NbdException.class, e -> assertThat(e.error()).isEqualTo(NbdError.CONNECTION_LOST))
                        .hasMessageContaining("told nothing of '" + BITMAP + "' at " + SIZE / 2);
            }
            liar.join(LIMIT);
        }
    }

    /** Bytes instead of a handshake: at random, and cut or changed from what a real one says. */
    @Test
    void nonsenseInsteadOfAGreetingIsRefusedByTheClient() throws Exception {
        Path socket = directory.resolve("babble.sock");
        byte[] real = ByteBuffer.allocate(60)
                .putLong(Nbd.MAGIC)
                .putLong(Nbd.OPTION_MAGIC)
                .putShort((short) 3)
                .put(reply(Nbd.OPT_EXTENDED_HEADERS, Nbd.REP_ACK, 0).array())
                .put(reply(Nbd.OPT_GO, Nbd.REP_INFO, 12).array(), 0, 20)
                .array();
        // Without the flags: a server that offers less is asked in the old way, and what comes then may be anything.
        int[] mutable =
                IntStream.range(0, real.length).filter(i -> i < 16 || i > 17).toArray();
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(socket));
            Thread babbler = Thread.ofVirtual().start(() -> {
                Random random = new Random(20261130);
                for (int i = 0; i < 500; i++) {
                    try (SocketChannel client = listener.accept()) {
                        byte[] words = i % 3 == 0 ? new byte[random.nextInt(200)] : real.clone();
                        if (i % 3 == 0) {
                            random.nextBytes(words);
                        } else {
                            words[mutable[random.nextInt(mutable.length)]] ^= (byte) (1 << random.nextInt(8));
                            words = Arrays.copyOf(words, i % 3 == 1 ? words.length : random.nextInt(words.length));
                        }
                        write(client, ByteBuffer.wrap(words));
                        client.shutdownOutput();
                        Channels.newInputStream(client).readAllBytes();
                    } catch (IOException e) {
                        // the client went first
                    }
                }
            });
            for (int i = 0; i < 500; i++) {
                assertThatThrownBy(() -> NbdClient.connect(socket, "disk", null, LIMIT))
                        .isInstanceOf(NbdException.class);
            }
            babbler.join(LIMIT);
            assertThat(babbler.isAlive()).isFalse();
        }
    }

    @Test
    void aServerLivesThroughNonsenseOfItsClients() throws Exception {
        Path image = Peers.image(directory.resolve("disk.raw"), SIZE, 3);
        byte[] before = Files.readAllBytes(image);
        Random random = new Random(20261130);
        try (FileDisk disk = FileDisk.open(image, false, Map.of());
                NbdServer server = NbdServer.listen(directory.resolve("nbd.sock"), Map.of("", disk))) {
            for (int i = 0; i < 1000; i++) {
                try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(server.socket()))) {
                    write(client, ByteBuffer.allocate(4).putInt(i % 7 == 0 ? random.nextInt() : 3));
                    if (i % 2 == 0) {
                        write(client, option(random.nextInt(13), new byte[random.nextInt(40)], random));
                        write(client, option(Nbd.OPT_STRUCTURED_REPLY, new byte[0], random));
                    }
                    if (i % 3 != 0) {
                        byte[] go = new byte[6];
                        write(client, option(Nbd.OPT_GO, go, null));
                    }
                    byte[] request = new byte[28 + random.nextInt(64)];
                    random.nextBytes(request);
                    if (i % 5 != 0) {
                        ByteBuffer.wrap(request)
                                .putInt(Nbd.REQUEST_MAGIC)
                                .putShort((short) 0)
                                .putShort((short) random.nextInt(12));
                    }
                    write(client, ByteBuffer.wrap(request));
                    client.shutdownOutput();
                    Channels.newInputStream(client).readAllBytes();
                } catch (IOException e) {
                    // sent away in the middle of it
                }
            }
            ByteBuffer whole = ByteBuffer.allocate(SIZE);
            try (NbdClient client = NbdClient.connect(server.socket(), "", null, LIMIT)) {
                client.read(0, whole);
            }
            assertThat(whole.array()).isEqualTo(before);
        }
        assertThat(Files.readAllBytes(image)).isEqualTo(before);
    }

    /** The protocol's strings have at most 4096 bytes of UTF-8. */
    @Test
    void aNameThatIsTooLongIsRefusedBeforeAnybodyIsAsked() {
        String name = "\u00e9".repeat(Nbd.LONGEST_NAME / 2) + "x";
        Path socket = directory.resolve("nobody.sock");
        assertThatThrownBy(() -> NbdClient.connect(socket, name, null, LIMIT))
                .isInstanceOfSatisfying(
                        NbdException.class, e -> assertThat(e.error()).isEqualTo(NbdError.INVALID))
                .hasMessageContaining("at most 4096 bytes");
        assertThatThrownBy(() -> NbdServer.listen(socket, Map.<String, ServedDisk>of(name, new NoDisk())))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(socket).doesNotExist();
    }

    private record NoDisk() implements ServedDisk {
        @Override
        public long size() {
            return 0;
        }

        @Override
        public void read(long offset, ByteBuffer into) {
            throw new AssertionError("there is nothing to read");
        }
    }

    private static ByteBuffer extended(int flags, int command, long cookie, long length, int payload) {
        return ByteBuffer.allocate(32 + payload)
                .putInt(Nbd.EXTENDED_REQUEST_MAGIC)
                .putShort((short) flags)
                .putShort((short) command)
                .putLong(cookie)
                .putLong(0)
                .putLong(length);
    }

    /** Reads the whole answer, and tells its error. */
    private static int errorOf(Inbound in, long cookie) throws IOException {
        assertThat(in.int32()).isEqualTo(Nbd.EXTENDED_REPLY_MAGIC);
        assertThat(in.uint16()).isEqualTo(Nbd.CHUNK_DONE);
        int type = in.uint16();
        assertThat(in.int64()).isEqualTo(cookie);
        in.skip(Long.BYTES);
        long length = in.int64();
        if (type != Nbd.CHUNK_ERROR) {
            in.skip(length);
            return 0;
        }
        int error = in.int32();
        in.skip(length - Integer.BYTES);
        return error;
    }

    /** Its length is that of the payload then, and the server offers no command with one but writing. */
    @Test
    void aPayloadWhereNoneBelongsIsReadAndRefusedAndIsNoPartOfTheDisk() throws Exception {
        Path image = Peers.image(directory.resolve("disk.raw"), SIZE, 4);
        byte[] before = Files.readAllBytes(image);
        try (FileDisk disk = FileDisk.open(image, true, Map.of());
                NbdServer server = NbdServer.listen(directory.resolve("nbd.sock"), Map.of("", disk));
                SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(server.socket()))) {
            Inbound in = new Inbound(client);
            assertThat(ClientHandshake.shake(in, client, "", Extent.ALLOCATION).mode())
                    .isEqualTo(Mode.EXTENDED);
            int[] commands = {
                Nbd.CMD_READ, Nbd.CMD_FLUSH, Nbd.CMD_TRIM, Nbd.CMD_CACHE, Nbd.CMD_WRITE_ZEROES, Nbd.CMD_BLOCK_STATUS, 77
            };
            long cookie = 0;
            for (int command : commands) {
                for (int payload : new int[] {0, 12, 4096}) {
                    write(client, extended(Nbd.FLAG_PAYLOAD_LENGTH, command, ++cookie, payload, payload));
                    assertThat(errorOf(in, cookie))
                            .as("command %d with %d bytes", command, payload)
                            .isEqualTo(NbdError.INVALID.number());
                }
            }
            write(client, extended(0, Nbd.CMD_BLOCK_STATUS, ++cookie, SIZE, 0));
            assertThat(errorOf(in, cookie)).as("the connection goes on").isZero();

            write(client, extended(Nbd.FLAG_PAYLOAD_LENGTH, Nbd.CMD_TRIM, ++cookie, Nbd.LONGEST_PAYLOAD + 1L, 0));
            assertThat(in.isAtEnd()).as("more than a payload may be ends it").isTrue();
        }
        assertThat(Files.readAllBytes(image)).isEqualTo(before);
    }

    private static ByteBuffer option(int option, byte[] data, @org.jspecify.annotations.Nullable Random random) {
        if (random != null) {
            random.nextBytes(data);
        }
        return ByteBuffer.allocate(16 + data.length)
                .putLong(Nbd.OPTION_MAGIC)
                .putInt(option)
                .putInt(data.length)
                .put(data);
    }
}

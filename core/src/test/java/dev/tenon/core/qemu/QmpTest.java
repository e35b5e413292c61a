package dev.tenon.core.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class QmpTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    @Test
    void aDaemonAnswersRefusesAndTellsOfEvents() throws IOException {
        Path image = Files.write(directory.resolve("disk, one.raw"), new byte[1 << 20]);
        Path own = Files.createDirectory(directory.resolve("qsd"));
        try (StorageDaemon daemon = StorageDaemon.start(
                own, List.of("--blockdev", "file,node-name=disk,filename=" + StorageDaemon.escaped(image)))) {
            Qmp qmp = daemon.qmp();
            assertThat(qmp.list("query-named-block-nodes"))
                    .extracting(node -> String.valueOf(node.get("node-name")))
                    .containsExactly("disk");
            assertThatThrownBy(() -> qmp.execute("blockdev-del", Map.of("node-name", "gone")))
                    .isInstanceOfSatisfying(
                            QmpException.class, e -> assertThat(e.isLost()).isFalse())
                    .hasMessageStartingWith("QMP command 'blockdev-del' is refused: ");
            qmp.execute(
                    "nbd-server-start",
                    Map.of(
                            "addr",
                            Map.of(
                                    "type",
                                    "unix",
                                    "data",
                                    Map.of("path", own.resolve("n").toString()))));
            qmp.execute("block-export-add", Map.of("type", "nbd", "id", "e", "node-name", "disk", "name", "d"));
            qmp.execute("block-export-del", Map.of("id", "e"));
            assertThat(qmp.await("BLOCK_EXPORT_DELETED", data -> "e".equals(data.get("id"))))
                    .isEqualTo(Map.of("id", "e"));
        }
    }

    @Test
    void aDaemonThatDoesNotStartSaysWhy() throws IOException {
        Path own = Files.createDirectory(directory.resolve("qsd"));
        assertThatThrownBy(() ->
                        StorageDaemon.start(own, List.of("--blockdev", "file,node-name=d,filename=/nonexistent/disk")))
                .hasMessageStartingWith("qemu-storage-daemon ended: ")
                .hasMessageContaining("/nonexistent/disk");
    }

    @Test
    void aSocketThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> Qmp.connect(directory.resolve("none.sock"), LIMIT))
                .isInstanceOf(QmpException.class)
                .hasMessageContaining("none.sock");
    }

    private Thread server(Path socket, byte[] words, boolean isOpenAfterwards) throws IOException {
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket));
        return Thread.ofVirtual().start(() -> {
            try (listener;
                    SocketChannel client = listener.accept()) {
                client.write(ByteBuffer.wrap(words));
                if (!isOpenAfterwards) {
                    client.shutdownOutput();
                }
                ByteBuffer heard = ByteBuffer.allocate(4096);
                while (client.read(heard) >= 0) {
                    heard.clear();
                }
            } catch (IOException e) {
                // the client went first
            }
        });
    }

    static Stream<Arguments> nonsense() {
        return Stream.of(
                Arguments.of("{\"QMP\": {}}", "closed the QMP connection"),
                Arguments.of("nonsense", "closed the QMP connection"),
                Arguments.of("nonsense\n", "is no QMP: 'nonsense'"),
                Arguments.of("{\"hello\": 1}\n", "does not speak QMP"),
                Arguments.of("[1]\n", "is no QMP"),
                Arguments.of("{\"QMP\": {}}\n{\"return\":", "closed the QMP connection"));
    }

    @ParameterizedTest
    @MethodSource("nonsense")
    void whatIsNoQmpIsTold(String words, String told) throws Exception {
        Path socket = directory.resolve("q.sock");
        Thread server = server(socket, words.getBytes(StandardCharsets.UTF_8), false);
        assertThatThrownBy(() -> Qmp.connect(socket, LIMIT))
                .isInstanceOf(QmpException.class)
                .hasMessageContaining(told);
        server.join(LIMIT);
    }

    @Test
    void aServerThatIsSilentIsLeft() throws Exception {
        Path socket = directory.resolve("q.sock");
        Thread server = server(socket, new byte[0], true);
        assertThatThrownBy(() -> Qmp.connect(socket, Duration.ofMillis(200)))
                .hasMessageContaining("another program may be connected");
        server.join(LIMIT);
    }

    @Test
    void bytesAtRandomEndInASentence() throws Exception {
        Random random = new Random(16);
        for (int i = 0; i < 100; i++) {
            byte[] words = new byte[random.nextInt(300)];
            random.nextBytes(words);
            byte[] greeting = "{\"QMP\": {}}\n".getBytes(StandardCharsets.UTF_8);
            Path socket = directory.resolve("q" + i + ".sock");
            Thread server = server(
                    socket,
                    ByteBuffer.allocate(greeting.length + words.length)
                            .put(greeting)
                            .put(words)
                            .array(),
                    false);
            assertThatThrownBy(() -> Qmp.connect(socket, LIMIT)).isInstanceOf(QmpException.class);
            server.join(LIMIT);
        }
    }
}

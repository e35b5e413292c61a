package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UnixSocketTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    private UnixSocket listener;
    private UnixSocket near;
    private UnixSocket far;

    @BeforeEach
    void connect() throws IOException {
        Path path = directory.resolve("socket");
        listener = UnixSocket.listen(path, 1);
        near = UnixSocket.connect(path);
        far = listener.accept().orElseThrow();
    }

    @AfterEach
    void close() {
        near.close();
        far.close();
        listener.close();
    }

    @Test
    void aDescriptorArrivesWithTheByteItWasSentWithAndIsTheSameFile() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "content");
        try (Descriptor sent = Descriptor.open(file, Descriptor.READ_ONLY, 0)) {
            near.send(new byte[] {7}, sent.number());
        }
        assertThat(far.await(PATIENCE)).isTrue();
        try (UnixSocket.Message message = far.receive(16)) {
            assertThat(message.bytes()).containsExactly(7);
            assertThat(message.isCut()).isFalse();
            assertThat(message.descriptors()).hasSize(1);
            Descriptor received = message.descriptors().getFirst();
            assertThat(received.kind()).isEqualTo(Descriptor.Kind.FILE);
            assertThat(Files.readSymbolicLink(Path.of("/proc/self/fd/" + received.number())))
                    .isEqualTo(file.toRealPath());
        }
    }

    @Test
    void theSendersFlagsStayAndNoProcessThatIsStartedInheritsWhatCame() throws Exception {
        Path file = directory.resolve("file");
        try (Descriptor sent =
                Descriptor.open(file, Descriptor.WRITE_ONLY | Descriptor.APPEND | Descriptor.CREATE, 0600)) {
            String before = flags(sent.number());
            near.send(new byte[] {0}, sent.number());
            try (UnixSocket.Message message = far.receive(1)) {
                Descriptor received = message.descriptors().getFirst();
                assertThat(flags(received.number())).isEqualTo(before);
                assertThat(flags(sent.number())).isEqualTo(before);
                Process child = new ProcessBuilder("cat").start();
                try (var open = Files.list(Path.of("/proc/" + child.pid() + "/fd"))) {
                    assertThat(open.map(UnixSocketTest::target)).doesNotContain(file.toRealPath());
                } finally {
                    child.destroyForcibly().waitFor();
                }
            }
        }
    }

    private static String flags(int number) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/fdinfo/" + number)).stream()
                .filter(line -> line.startsWith("flags:"))
                .findFirst()
                .orElseThrow();
    }

    private static Path target(Path link) {
        try {
            return Files.readSymbolicLink(link);
        } catch (IOException e) {
            return link;
        }
    }

    @Test
    void bytesWithoutADescriptorAndTheEndOfTheConnectionAreTold() throws IOException {
        byte[] many = new byte[100_000];
        Arrays.fill(many, (byte) 'x');
        CompletableFuture<Void> sending = CompletableFuture.runAsync(() -> {
            try {
                near.send(many);
                near.shutdown();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        int received = 0;
        while (true) {
            try (UnixSocket.Message message = far.receive(4096)) {
                assertThat(message.descriptors()).isEmpty();
                if (message.bytes().length == 0) {
                    break;
                }
                received += message.bytes().length;
            }
        }
        assertThat(received).isEqualTo(many.length);
        sending.join();
        assertThatThrownBy(() -> far.send(new byte[] {1})).isInstanceOf(PeerClosedException.class);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 2", "8, 8", "9, 8", "200, 8"})
    void whatIsBeyondTheRoomIsClosedAndTold(int sent, int received) throws IOException {
        int before = open();
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            int[] passed = new int[sent];
            Arrays.fill(passed, pipe.write().number());
            near.send(new byte[] {'x'}, passed);
        }
        try (UnixSocket.Message message = far.receive(1)) {
            assertThat(message.bytes()).containsExactly('x');
            assertThat(message.descriptors()).hasSize(received);
            assertThat(message.isCut()).isEqualTo(sent > received);
        }
        assertThat(open()).isEqualTo(before);
    }

    private static int open() throws IOException {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return (int) descriptors.count();
        }
    }

    @Test
    void theOtherEndIsKnown() throws IOException {
        UnixSocket.Peer peer = far.peer();
        assertThat(peer.pid()).isEqualTo((int) ProcessHandle.current().pid());
        assertThat(peer.uid()).isEqualTo((Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
    }

    @Test
    void whoWaitsIsWokenByTheEndOfTheListening() throws Exception {
        List<Optional<UnixSocket>> accepted = new ArrayList<>();
        Thread waiting = Thread.ofPlatform().start(() -> {
            try {
                accepted.add(listener.accept());
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        listener.shutdown();
        waiting.join(PATIENCE);
        assertThat(accepted).containsExactly(Optional.empty());
    }

    @Test
    void nothingCameInTime() throws IOException {
        assertThat(far.await(Duration.ofMillis(1))).isFalse();
        near.close();
        assertThat(far.await(PATIENCE)).isTrue();
        try (UnixSocket.Message message = far.receive(1)) {
            assertThat(message.bytes()).isEmpty();
        }
    }

    @Test
    void aPathThatIsTooLongOrTakenIsRefused() {
        Path tooLong = directory.resolve("x".repeat(UnixSocket.LONGEST_PATH));
        assertThatThrownBy(() -> UnixSocket.listen(tooLong, 1))
                .isInstanceOf(IOException.class)
                .hasMessage("the socket path '" + tooLong + "' is longer than 107 bytes");
        assertThatThrownBy(() -> UnixSocket.listen(directory.resolve("socket"), 1))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("Address already in use");
        assertThatThrownBy(() -> UnixSocket.connect(directory.resolve("nobody")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("No such file or directory");
    }
}

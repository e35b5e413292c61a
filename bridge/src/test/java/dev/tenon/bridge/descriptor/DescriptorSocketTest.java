package dev.tenon.bridge.descriptor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.UnixSocket;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DescriptorSocketTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration SOON = Duration.ofSeconds(5);
    private static final Duration AT_ONCE = Duration.ofMillis(1);
    private static final int CLOSE_ON_EXEC = 02000000;
    private static final String TOKEN = "000102030405060708090a0b0c0d0e0f";
    private static final DescriptorSocket.Limits PATIENT = new DescriptorSocket.Limits(PATIENCE, PATIENCE);

    @TempDir
    Path directory;

    private final AtomicBoolean isAdmitted = new AtomicBoolean(true);
    private DescriptorSocket socket;
    private int before;

    @BeforeEach
    void listen() throws IOException {
        // The classes of a first socket open files that stay.
        try (DescriptorSocket first = listenWith(PATIENT, "first")) {
            assertThat(first.path()).exists();
            assertThatThrownBy(() -> listenWith(PATIENT, "first")).isInstanceOf(IOException.class);
        }
        before = open();
        socket = listenWith(PATIENT, "socket");
    }

    private DescriptorSocket listenWith(DescriptorSocket.Limits limits, String name) throws IOException {
        return DescriptorSocket.listen(directory.resolve(name), peer -> isAdmitted.get(), limits);
    }

    @AfterEach
    void nothingStaysOpen() {
        socket.close();
        assertThat(socket.path()).doesNotExist();
        Awaitility.await().atMost(SOON).untilAsserted(() -> assertThat(open()).isEqualTo(before));
    }

    private static int open() throws IOException {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return (int) descriptors.count();
        }
    }

    private static void send(DescriptorSocket to, String token, int... descriptors) throws IOException {
        try (UnixSocket connection = UnixSocket.connect(to.path())) {
            connection.send(HexFormat.of().parseHex(token));
            if (descriptors.length > 0) {
                connection.send(new byte[] {0}, descriptors);
            }
        }
    }

    private static Path target(Descriptor descriptor) throws IOException {
        return Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor.number()));
    }

    @Test
    void aDescriptorIsClaimedByItsTokenOnce() throws IOException {
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            send(socket, TOKEN, pipe.write().number());
            try (Descriptor claimed = socket.claim(TOKEN, PATIENCE)) {
                assertThat(claimed.kind()).isEqualTo(Descriptor.Kind.PIPE);
                assertThat(target(claimed)).isEqualTo(target(pipe.write()));
            }
            assertThat(catchThrowableOfType(StorageException.class, () -> socket.claim(TOKEN, AT_ONCE)))
                    .hasMessage(
                            "there is no descriptor of the token " + TOKEN + ": none came within 1 ms; it is sent to '"
                                    + socket.path() + "' before the call that names it, and can be used once")
                    .satisfies(e -> assertThat(e.error()).isEqualTo(StorageError.BAD_PARAMETER))
                    .satisfies(e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED));
        }
    }

    @Test
    void aClaimWaitsForADescriptorThatIsOnItsWay() throws Exception {
        CompletableFuture<Descriptor> claim = CompletableFuture.supplyAsync(() -> socket.claim(TOKEN, PATIENCE));
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            send(socket, TOKEN, pipe.read().number());
            try (Descriptor claimed = claim.join()) {
                assertThat(target(claimed)).isEqualTo(target(pipe.read()));
            }
        }
    }

    @Test
    void aDescriptorThatIsGivenOutGoesToWhoeverClaimsItOnce() throws IOException {
        try (Descriptor.Pipe pipe = Descriptor.pipe();
                DescriptorSocket.Offer offer = socket.offer(pipe.read().number())) {
            try (UnixSocket connection = UnixSocket.connect(socket.path())) {
                connection.send(HexFormat.of().parseHex(offer.token()));
                try (UnixSocket.Message message = connection.receive(1)) {
                    assertThat(message.bytes()).containsExactly(0);
                    assertThat(target(message.descriptors().getFirst())).isEqualTo(target(pipe.read()));
                }
            }
            assertThat(pipe.read().isOpen()).isTrue();
            try (UnixSocket connection = UnixSocket.connect(socket.path())) {
                connection.send(HexFormat.of().parseHex(offer.token()));
                connection.shutdown();
                try (UnixSocket.Message message = connection.receive(1)) {
                    assertThat(message.descriptors()).isEmpty();
                }
            }
        }
    }

    @Test
    void whatIsNoLongerOfferedCannotBeClaimed() throws IOException {
        String token;
        try (Descriptor.Pipe pipe = Descriptor.pipe();
                DescriptorSocket.Offer offer = socket.offer(pipe.read().number())) {
            token = offer.token();
        }
        try (UnixSocket connection = UnixSocket.connect(socket.path())) {
            connection.send(HexFormat.of().parseHex(token));
            assertThat(connection.await(Duration.ofMillis(50))).isFalse();
        }
    }

    @Test
    void theFileOfTheSenderKeepsItsFlags() throws IOException {
        Path file = directory.resolve("file");
        try (FileOutputStream appending = new FileOutputStream(file.toFile(), true)) {
            appending.write('a');
            int own = numberOf(file.toRealPath().toString());
            int flags = flags(own);
            send(socket, TOKEN, own);
            try (Descriptor claimed = socket.claim(TOKEN, PATIENCE)) {
                assertThat(claimed.kind()).isEqualTo(Descriptor.Kind.FILE);
                assertThat(flags(claimed.number())).isEqualTo(flags | CLOSE_ON_EXEC);
                assertThat(flags(own)).isEqualTo(flags);
            }
        }
    }

    /** The JDK keeps the numbers of its descriptors to itself. */
    private static int numberOf(String target) throws IOException {
        try (var descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path link : descriptors) {
                if (Files.isSymbolicLink(link)
                        && Files.readSymbolicLink(link).toString().startsWith(target)) {
                    return Integer.parseInt(link.getFileName().toString());
                }
            }
        }
        throw new AssertionError(target + " is not open");
    }

    private static int flags(int number) throws IOException {
        String line = Files.readAllLines(Path.of("/proc/self/fdinfo/" + number)).get(1);
        return Integer.parseInt(line.replaceFirst("flags:\\s+", ""), 8);
    }

    @Test
    void aSocketCrosses() throws IOException {
        send(socket, TOKEN, numberOf("socket:"));
        try (Descriptor claimed = socket.claim(TOKEN, PATIENCE)) {
            assertThat(claimed.kind()).isEqualTo(Descriptor.Kind.SOCKET);
        }
    }

    @Test
    void aBlockDeviceCrosses() throws Exception {
        Path image = Files.write(directory.resolve("image"), new byte[1 << 20]);
        Process losetup = new ProcessBuilder("losetup", "--find", "--show", image.toString()).start();
        String device = new String(losetup.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assumeTrue(losetup.waitFor() == 0, "no loop device can be made here");
        try (FileInputStream in = new FileInputStream(device)) {
            assertThat(in.read()).isZero();
            send(socket, TOKEN, numberOf(device));
            try (Descriptor claimed = socket.claim(TOKEN, PATIENCE)) {
                assertThat(claimed.kind()).isEqualTo(Descriptor.Kind.BLOCK_DEVICE);
            }
        } finally {
            assertThat(new ProcessBuilder("losetup", "--detach", device).start().waitFor())
                    .isZero();
        }
    }

    @Test
    void whatNobodyClaimsIsClosed() throws IOException {
        try (DescriptorSocket hasty = listenWith(new DescriptorSocket.Limits(PATIENCE, AT_ONCE), "hasty")) {
            try (Descriptor.Pipe pipe = Descriptor.pipe()) {
                send(hasty, TOKEN, pipe.write().number());
                send(hasty, TOKEN.replace('0', '1'), pipe.write().number());
                pipe.write().close();
                try (FileInputStream in =
                        new FileInputStream("/proc/self/fd/" + pipe.read().number())) {
                    assertTimeoutPreemptively(
                            PATIENCE,
                            () -> assertThat(in.read()).as("at its end").isEqualTo(-1));
                }
            }
        }
    }

    @Test
    void whoMayNotUseTheSocketIsNotHeard() throws IOException {
        isAdmitted.set(false);
        try (Descriptor.Pipe pipe = Descriptor.pipe();
                UnixSocket connection = UnixSocket.connect(socket.path())) {
            assertThat(connection.await(PATIENCE)).isTrue();
            assertThatThrownBy(() -> {
                        connection.send(new byte[16]);
                        connection.send(new byte[1], pipe.read().number());
                    })
                    .isInstanceOf(IOException.class);
        }
        assertThatThrownBy(() -> socket.claim(TOKEN, AT_ONCE)).isInstanceOf(StorageException.class);
    }

    @Test
    void halfATokenIsForgotten() throws IOException {
        try (UnixSocket connection = UnixSocket.connect(socket.path())) {
            connection.send(new byte[7]);
        }
        try (DescriptorSocket hasty = listenWith(new DescriptorSocket.Limits(AT_ONCE, PATIENCE), "hasty");
                UnixSocket connection = UnixSocket.connect(hasty.path())) {
            connection.send(new byte[7]);
            assertThat(connection.await(PATIENCE)).isTrue();
            try (UnixSocket.Message message = connection.receive(1)) {
                assertThat(message.bytes()).isEmpty();
            }
        }
    }

    @Test
    void twoDescriptorsAtOnceOrNoneAreRefused() throws IOException {
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            send(socket, TOKEN, pipe.read().number(), pipe.write().number());
            send(socket, TOKEN);
            try (UnixSocket connection = UnixSocket.connect(socket.path())) {
                connection.send(HexFormat.of().parseHex(TOKEN), pipe.read().number());
                assertThat(connection.await(PATIENCE)).isTrue();
            }
        }
        assertThatThrownBy(() -> socket.claim(TOKEN, AT_ONCE)).isInstanceOf(StorageException.class);
    }

    @Test
    void manyConnectionsThatSayNothingKeepNobodyOutForLong() throws Exception {
        try (DescriptorSocket hasty =
                        listenWith(new DescriptorSocket.Limits(Duration.ofMillis(50), PATIENCE), "hasty");
                Descriptor.Pipe pipe = Descriptor.pipe()) {
            UnixSocket[] silent = new UnixSocket[40];
            for (int i = 0; i < silent.length; i++) {
                silent[i] = UnixSocket.connect(hasty.path());
            }
            send(hasty, TOKEN, pipe.read().number());
            hasty.claim(TOKEN, PATIENCE).close();
            for (UnixSocket connection : silent) {
                connection.close();
            }
        }
    }

    @Test
    void whatIsNoTokenIsSaidSo() {
        assertThatThrownBy(() -> socket.claim("a\nstream", PATIENCE))
                .hasMessage("'a?stream' is no token of a descriptor: send an open file to '" + socket.path()
                        + "' and name it by its token of 32 hexadecimal digits");
    }

    @Test
    void aClaimThatIsInterruptedIsCancelled() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread claiming = Thread.ofVirtual().start(() -> {
            begun.countDown();
            try {
                socket.claim(TOKEN, PATIENCE).close();
            } catch (StorageException e) {
                thrown.set(e);
            }
        });
        begun.await();
        claiming.interrupt();
        claiming.join();
        assertThat(((StorageException) thrown.get()).error()).isEqualTo(StorageError.CANCELLED);
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            send(socket, TOKEN, pipe.read().number());
            socket.claim(TOKEN, PATIENCE).close();
        }
    }

    @Test
    void theSocketsModeIsThatOfAPrivateFileAndALiveOneIsNotReplaced() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket.path())))
                .isEqualTo("rw-------");
        assertThatThrownBy(() -> listenWith(PATIENT, "socket"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("another process listens at");
        Path file = Files.writeString(directory.resolve("file"), "content");
        assertThatThrownBy(() -> listenWith(PATIENT, "file")).hasMessageContaining("there is a file that is no socket");
        assertThat(file).hasContent("content");
    }

    @Test
    void whatOneSideWritesTheOtherReads() throws IOException {
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            send(socket, TOKEN, pipe.write().number());
            try (Descriptor claimed = socket.claim(TOKEN, PATIENCE);
                    OutputStream out = new FileOutputStream("/proc/self/fd/" + claimed.number());
                    FileInputStream in =
                            new FileInputStream("/proc/self/fd/" + pipe.read().number())) {
                out.write("content".getBytes(StandardCharsets.UTF_8));
                assertThat(in.readNBytes(7)).isEqualTo("content".getBytes(StandardCharsets.UTF_8));
            }
        }
    }
}

package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.Strace;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which system calls move the bytes of an export, of all that the daemon and the Perl program make. */
class StreamSyscallsTest {
    private static final int MEBI = 1 << 20;
    private static final long SIZE = 48L * MEBI;
    private static final int HEADER = 8;

    @Test
    void thePipeIsFilledByTheKernelAlone(Scratch scratch) throws Exception {
        Path image = image(scratch);
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            String sink = Files.readSymbolicLink(
                            Path.of("/proc/self/fd/" + pipe.write().number()))
                    .toString();
            CompletableFuture<String> read = reading(
                    Files.newInputStream(Path.of("/proc/self/fd/" + pipe.read().number())));

            List<Strace.Call> calls =
                    export(scratch, new File("/proc/self/fd/" + pipe.write().number()), pipe);

            assertThat(read.get(30, TimeUnit.SECONDS)).isEqualTo(checksum(image));
            areMovedByTheKernel(calls, image, sink);
        }
    }

    @Test
    void theSocketIsFilledByTheKernelAlone(Scratch scratch) throws Exception {
        Path image = image(scratch);
        Path address = scratch.runtime().resolve("sink.sock");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(address));
            CompletableFuture<String> read = CompletableFuture.supplyAsync(() -> {
                try (SocketChannel connection = server.accept()) {
                    return checksum(Channels.newInputStream(connection));
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });

            List<Strace.Call> calls = export(scratch, new File("/dev/null"), null, address.toString());

            assertThat(read.get(30, TimeUnit.SECONDS)).isEqualTo(checksum(image));
            String sink = calls.stream()
                    .filter(call -> call.name().equals("sendfile"))
                    .map(call -> call.firstPath())
                    .filter(path -> path.startsWith("socket:"))
                    .findFirst()
                    .orElseThrow();
            areMovedByTheKernel(calls, image, sink);
        } finally {
            Files.deleteIfExists(address);
        }
    }

    private static void areMovedByTheKernel(List<Strace.Call> calls, Path image, String sink) {
        assertThat(calls.stream()
                        .filter(call -> call.name().matches("splice|sendfile") && call.isAbout(sink))
                        .mapToLong(Strace.Call::result)
                        .filter(bytes -> bytes > 0)
                        .sum())
                .isEqualTo(SIZE);
        assertThat(calls)
                .filteredOn(call -> call.isAbout(sink) && !call.name().matches("splice|sendfile"))
                .filteredOn(call -> call.result() > 0)
                .as("what else is written to %s", sink)
                .singleElement()
                .satisfies(call -> assertThat(call.result()).isEqualTo(HEADER));
        assertThat(calls)
                .filteredOn(
                        call -> call.isAbout(image.toString()) && !call.name().matches("splice|sendfile"))
                .as("what reads %s", image)
                .isEmpty();
    }

    /** What the daemon and the program do while the program exports the image. */
    private static List<Strace.Call> export(
            Scratch scratch, File output, Descriptor.@Nullable Pipe pipe, String... more)
            throws IOException, InterruptedException {
        DaemonProcess daemon = DaemonProcess.start(scratch);
        List<String> command = new ArrayList<>(List.of("perl"));
        command.addAll(Installation.perlIncludes());
        command.add(Installation.resource("perl/transfer.pl").toString());
        command.addAll(
                List.of("export", "dir", "nas", scratch.storage().toString(), "100/vm-100-disk-0.raw", "raw+size"));
        command.addAll(Arrays.asList(more));
        try (Strace daemonTrace = Strace.attach(scratch, daemon.pid())) {
            Strace.Program program = Strace.run(scratch, command, output, daemon.socket());
            if (pipe != null) {
                pipe.close();
            }
            assertThat(program.awaitEnd()).as(program.errors()).isZero();
            List<Strace.Call> calls = new ArrayList<>(daemonTrace.end());
            calls.addAll(program.calls());
            return calls;
        }
    }

    private static Path image(Scratch scratch) throws IOException {
        Path directory = Files.createDirectories(scratch.storage().resolve("images/100"));
        Path image = directory.resolve("vm-100-disk-0.raw");
        byte[] noise = new byte[MEBI];
        Random random = new Random(7);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            for (long at = 0; at < SIZE; at += MEBI) {
                random.nextBytes(noise);
                file.write(noise);
            }
        }
        return image;
    }

    private static CompletableFuture<String> reading(InputStream input) {
        return CompletableFuture.supplyAsync(() -> {
            try (input) {
                return checksum(input);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
    }

    /** Of what comes after the header. */
    private static String checksum(InputStream stream) throws Exception {
        stream.readNBytes(HEADER);
        DigestInputStream digest = new DigestInputStream(stream, MessageDigest.getInstance("SHA-256"));
        digest.transferTo(java.io.OutputStream.nullOutputStream());
        return HexFormat.of().formatHex(digest.getMessageDigest().digest());
    }

    private static String checksum(Path file) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    }
}

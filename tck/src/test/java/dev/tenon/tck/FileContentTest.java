package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The content of volumes that are files. */
class FileContentTest {
    private static final Abilities RAW = new Abilities(
            Set.of(Format.Image.RAW), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), false, false, false);

    @TempDir
    Path scratch;

    private static void closed(ServerSocketChannel server) {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The limit of a check interrupts its thread. */
    @Test
    void aVolumeThatDoesNotAnswerIsGivenUpWithTheProgramThatWaitsForIt() throws Exception {
        Path socket = scratch.resolve("s");
        Subject plain = Directories.subject(scratch, Map.of(), RAW);
        // To qemu-io this is a server of NBD, which never says hello.
        Subject hanging = Subject.ofFiles(
                Decorator.decorate(
                        plain.plugin(),
                        (call, next) ->
                                call.operation().equals("mapVolume") ? Optional.of("nbd:unix:" + socket) : next.get()),
                plain.storage(),
                null,
                plain.outside(),
                RAW);
        VolumeName volume = new Images(hanging).make(new Vmid(100), Format.Image.RAW);
        CompletableFuture<Throwable> given = new CompletableFuture<>();
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            Thread check = Thread.ofPlatform().daemon().start(() -> {
                try (Content.Opened opened = hanging.open(volume)) {
                    opened.fill(1);
                    given.completeExceptionally(new AssertionError("it was filled"));
                } catch (Throwable e) {
                    given.complete(e);
                }
                // If it came too early, nobody is to be waited for.
                closed(server);
            });
            try (SocketChannel program = server.accept()) {
                check.interrupt();
                assertThat(given.get(1, TimeUnit.MINUTES))
                        .isInstanceOfSatisfying(
                                StorageException.class,
                                e -> assertThat(e.error()).isEqualTo(StorageError.CANCELLED));
                assertThat(program.read(ByteBuffer.allocate(1))).isEqualTo(-1);
            } catch (AsynchronousCloseException e) {
                throw new AssertionError("no program came", given.get());
            }
            assertThat(check.join(Duration.ofMinutes(1))).isTrue();
        }
    }
}

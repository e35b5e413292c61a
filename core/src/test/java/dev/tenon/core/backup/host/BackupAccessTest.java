package dev.tenon.core.backup.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.qemu.QmpException;
import dev.tenon.core.qemu.StorageDaemon;
import dev.tenon.core.spi.StorageId;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BackupAccessTest {
    private static final StorageId VAULT = new StorageId("vault");

    @TempDir
    Path directory;

    /** QEMU of Debian has no such access. */
    @Test
    void aQemuThatIsNoneOfPvesIsNamedAndItsNbdServerIsStopped() throws IOException {
        Path own = Files.createDirectory(directory.resolve("qsd"));
        Path second = own.resolve("second");
        Path nbd = own.resolve("nbd");
        List<String> monitor = List.of(
                "--chardev", "socket,id=second,path=" + second + ",server=on,wait=off", "--monitor", "chardev=second");
        try (StorageDaemon daemon = StorageDaemon.start(own, monitor)) {
            daemon.qmp()
                    .execute(
                            "nbd-server-start",
                            Map.of("addr", Map.of("type", "unix", "data", Map.of("path", nbd.toString()))));
            assertThat(nbd).exists();

            assertThatThrownBy(() -> BackupAccess.end(second, VAULT))
                    .isInstanceOf(QmpException.class)
                    .hasMessageContaining("this QEMU is none of PVE's");

            assertThat(nbd).doesNotExist();
        }
    }

    /** What PVE's QEMU answers, which is not to be had here; it knows no other arguments. */
    @ParameterizedTest
    @ValueSource(strings = {"{\"return\": {}}", "{\"error\": {\"desc\": \"NBD server not running\"}}"})
    void theAccessIsEndedAsAFailureSoThatNothingIsTakenForClean(String answer) throws Exception {
        Path socket = directory.resolve("qmp");
        List<Object> heard = new CopyOnWriteArrayList<>();
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(socket));
            Thread server = Thread.ofPlatform().daemon().start(() -> answer(listener, heard, answer));

            BackupAccess.end(socket, VAULT);

            server.join();
        }
        assertThat(heard)
                .containsExactly(
                        Map.of("execute", "qmp_capabilities", "arguments", Map.of()),
                        Map.of("execute", "nbd-server-stop", "arguments", Map.of()),
                        Map.of(
                                "execute",
                                "backup-access-teardown",
                                "arguments",
                                Map.of("target-id", "snapshot-access:vault", "success", false)));
    }

    private static void answer(ServerSocketChannel listener, List<Object> heard, String answerToStop) {
        try (SocketChannel client = listener.accept();
                BufferedReader lines = new BufferedReader(
                        new InputStreamReader(Channels.newInputStream(client), StandardCharsets.UTF_8))) {
            say(client, "{\"QMP\": {\"version\": {}, \"capabilities\": []}}");
            for (String answer : List.of("{\"return\": {}}", answerToStop, "{\"return\": {}}")) {
                Map<String, Object> asked = new HashMap<>(JSON.std.mapFrom(lines.readLine()));
                Object id = asked.remove("id");
                heard.add(asked);
                // QEMU gives what a client that has gone was to get to the next one.
                say(client, "{\"error\": {\"desc\": \"it was another's\"}, \"id\": \"another\"}");
                say(client, answer.replaceFirst("}$", ", \"id\": \"" + id + "\"}"));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void say(SocketChannel client, String line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\r\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            client.write(bytes);
        }
    }
}

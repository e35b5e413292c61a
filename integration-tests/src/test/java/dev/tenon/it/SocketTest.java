package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.RawClient;
import dev.tenon.it.support.Requests;
import dev.tenon.it.support.Scratch;
import dev.tenon.proto.Frame;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;

/** The control socket, and who may have it. */
class SocketTest {
    @Test
    void onlyItsOwnerMayUseTheSocketAndItGoesWithTheDaemon(Scratch scratch) throws IOException {
        DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(daemon.socket())))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(daemon.socket().resolveSibling("sidecars"))))
                .isEqualTo("rwx------");
        daemon.terminate();
        assertThat(daemon.awaitEnd()).isEqualTo(143);
        try (var left = Files.list(scratch.runtime())) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void aSecondDaemonAtTheSameSocketIsRefusedAndDoesTheFirstNoHarm(Scratch scratch) throws Exception {
        DaemonProcess first = DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
        DaemonProcess second = DaemonProcess.launch(scratch, Installation.plugin("TorturePlugin.pm"));
        assertThat(second.awaitEnd()).isEqualTo(1);
        assertThat(second.log().lines().toList())
                .last()
                .isEqualTo("tenon: another process listens at '" + first.socket()
                        + "' already; stop it, or choose another socket");

        // The first one can still start its plugin anew.
        ProcessHandle sidecar = first.sidecars().getFirst();
        sidecar.destroyForcibly();
        sidecar.onExit().get();
        try (RawClient client = RawClient.greet(first.socket())) {
            client.request(
                    1, "volume_size_info", Requests.volume(Requests.section(scratch, "torture"), "plain"), "torture");
            assertThat(client.next()).isInstanceOf(Frame.Response.class);
        }
    }

    @Test
    void theSocketOfADaemonThatWasKilledIsReplaced(Scratch scratch) {
        DaemonProcess killed = DaemonProcess.start(scratch);
        killed.kill();
        assertThat(killed.socket()).exists();
        DaemonProcess next = DaemonProcess.start(scratch);
        try (RawClient client = RawClient.greet(next.socket())) {
            client.send(new Frame.Ping(1));
            assertThat(client.next()).isEqualTo(new Frame.Pong(1));
        }
    }

    @Test
    void aFileThatIsNoSocketIsLeftAlone(Scratch scratch) throws IOException {
        Path file = Files.writeString(DaemonProcess.socketIn(scratch), "precious\n");
        try {
            DaemonProcess daemon = DaemonProcess.launch(scratch);
            assertThat(daemon.awaitEnd()).isEqualTo(1);
            assertThat(daemon.log().lines().toList())
                    .last()
                    .asString()
                    .startsWith("tenon: ")
                    .contains("'" + file + "'")
                    .contains("no socket");
            assertThat(file).hasContent("precious\n");
        } finally {
            Files.deleteIfExists(file);
        }
    }
}

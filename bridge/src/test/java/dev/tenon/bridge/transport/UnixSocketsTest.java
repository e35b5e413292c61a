package dev.tenon.bridge.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixSocketsTest {
    @TempDir
    private Path directory = Path.of("");

    /** It names what nobody listens on any more, and what is open in this process. */
    private String listening() throws IOException {
        return Files.readString(Path.of("/proc/net/unix"));
    }

    @Test
    void aListenerThatIsClosedAfterTheThreadsLeavesNoSocket() throws IOException {
        UnixSockets sockets = new UnixSockets();
        UnixSockets.Listener listener = sockets.listen(directory.resolve("sock"), _ -> {
            throw new IllegalStateException("nobody connects");
        });
        assertThat(listening()).contains(directory.toString());
        sockets.close();

        listener.close();

        assertThat(listening()).doesNotContain(directory.toString());
        assertThat(directory).isEmptyDirectory();
    }
}

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

    /** As when somebody clears the directory and starts another daemon: its socket is not the first one's to remove. */
    @Test
    void aListenerLeavesTheSocketThatAnotherHasPutInItsPlace() throws IOException {
        Path path = directory.resolve("sock");
        try (UnixSockets sockets = new UnixSockets()) {
            UnixSockets.Listener first = sockets.listen(path, _ -> {
                throw new IllegalStateException("nobody connects");
            });
            Files.delete(path);
            UnixSockets.Listener second = sockets.listen(path, _ -> {
                throw new IllegalStateException("nobody connects");
            });

            first.close();

            assertThat(path).exists();
            second.close();
            assertThat(directory).isEmptyDirectory();
        }
    }
}

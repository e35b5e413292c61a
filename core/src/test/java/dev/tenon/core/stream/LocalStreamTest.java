package dev.tenon.core.stream;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StreamSource;
import dev.tenon.core.spi.StreamTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A stream within this process. */
class LocalStreamTest {
    private static final int SIZE = 100_000;

    @TempDir
    Path directory;

    @Test
    void whatAnExportSentBeforeItBrokeDownDoesNotPassForTheWhole() throws IOException {
        Path sent = Files.write(directory.resolve("sent"), new byte[SIZE]);
        LocalStream stream = new LocalStream(StreamSettings.USUAL);

        assertThatThrownBy(() -> stream.run(
                        export -> {
                            export.send(new StreamSource.Content(sent, ByteSize.ofBytes(SIZE)));
                            throw new OutOfMemoryError("for a test");
                        },
                        incoming -> {
                            incoming.receive(new StreamTarget.NewFile(directory.resolve("come")), null);
                            return true;
                        }))
                .hasMessageContaining("OutOfMemoryError: for a test");
    }
}

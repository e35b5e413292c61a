package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OpenFilesTest {
    @TempDir
    Path directory;

    @Test
    void tellsWhoHasAFileOpenAndNobodyOnceItIsClosed() throws IOException, InterruptedException {
        Path file = Files.createFile(directory.resolve("image"));
        Path other = Files.createFile(directory.resolve("image2"));
        Process holder = new ProcessBuilder("sh", "-c", "echo ready >&2; exec cat")
                .redirectInput(ProcessBuilder.Redirect.PIPE)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(file.toFile()))
                .start();
        try {
            holder.getErrorStream().read();
            assertThat(OpenFiles.holderOf(file)).hasValue(holder.pid());
            assertThat(OpenFiles.nameOf(holder.pid())).isIn("sh", "cat");
            assertThat(OpenFiles.holderOf(other)).isEmpty();
        } finally {
            holder.getOutputStream().close();
            holder.waitFor();
        }
        assertThat(OpenFiles.holderOf(file)).isEmpty();
        assertThat(OpenFiles.holderOf(directory.resolve("missing"))).isEmpty();
    }
}

package dev.tenon.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdoptedTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void whatCannotBeWrittenLeavesNothing() throws IOException {
        Path like = Files.writeString(directory.resolve("like"), "");
        Path target = directory.resolve("target");
        Files.createDirectories(target.resolve("full"));

        assertThatIOException().isThrownBy(() -> Adopted.writeAtomically(target, "text", like));
        try (var files = Files.list(directory)) {
            assertThat(files).containsExactlyInAnyOrder(like, target);
        }
    }
}

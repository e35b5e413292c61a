package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileMoveTest {
    @TempDir
    Path directory;

    @Test
    void movesAFile() throws IOException {
        Path file = Files.writeString(directory.resolve("from"), "content");
        Path target = directory.resolve("to");

        FileMove.withoutReplacing(file, target);

        assertThat(target).hasContent("content");
        assertThat(file).doesNotExist();
    }

    @Test
    void neverReplacesAFile() throws IOException {
        Path file = Files.writeString(directory.resolve("from"), "new");
        Path target = Files.writeString(directory.resolve("to"), "old");

        assertThatThrownBy(() -> FileMove.withoutReplacing(file, target))
                .isInstanceOf(FileAlreadyExistsException.class)
                .hasMessageContaining(target.toString());
        assertThat(target).hasContent("old");
        assertThat(file).hasContent("new");
    }

    @Test
    void neverReplacesALinkThatLeadsNowhere() throws IOException {
        Path file = Files.writeString(directory.resolve("from"), "new");
        Path target = Files.createSymbolicLink(directory.resolve("to"), directory.resolve("nowhere"));

        assertThatThrownBy(() -> FileMove.withoutReplacing(file, target))
                .isInstanceOf(FileAlreadyExistsException.class);
        assertThat(Files.isSymbolicLink(target)).isTrue();
    }

    @Test
    void tellsAMissingFile() {
        assertThatThrownBy(() -> FileMove.withoutReplacing(directory.resolve("from"), directory.resolve("to")))
                .isInstanceOf(NoSuchFileException.class);
    }
}

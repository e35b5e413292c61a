package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinklessPathTest {
    @TempDir
    private Path temporary = Path.of("");

    private Path file = Path.of("");

    @BeforeEach
    void makesAFile() throws IOException {
        temporary = temporary.toRealPath();
        file = Files.createFile(
                Files.createDirectory(temporary.resolve("directory")).resolve("file"));
    }

    @Test
    void aPathOfDirectoriesIsOne() {
        assertThat(LinklessPath.is(file)).isTrue();
    }

    @Test
    void aLinkIsNone() throws IOException {
        assertThat(LinklessPath.is(Files.createSymbolicLink(temporary.resolve("link"), file)))
                .isFalse();
    }

    @Test
    void aPathThroughALinkIsNone() throws IOException {
        Path link = Files.createSymbolicLink(temporary.resolve("link"), temporary.resolve("directory"));
        assertThat(link.resolve("file")).exists();
        assertThat(LinklessPath.is(link.resolve("file"))).isFalse();
    }

    @Test
    void whereNothingIsThereIsNone() {
        assertThat(LinklessPath.is(temporary.resolve("missing"))).isFalse();
    }

    @Test
    void aDirectoryIsMadeOnceAndRemovedOnlyIfItIsEmpty() throws IOException {
        try (LinklessPath directory = LinklessPath.open(temporary)) {
            assertThat(directory.makeDirectory("directory", 0755)).isFalse();
            assertThat(directory.makeDirectory("other", 0755)).isTrue();
            try (LinklessPath other = directory.open("other")) {
                assertThat(other.status().isDirectory()).isTrue();
            }
            assertThat(directory.deleteDirectory("directory")).isFalse();
            assertThat(directory.deleteDirectory("other")).isTrue();
            assertThatThrownBy(() -> directory.deleteDirectory("other")).isInstanceOf(NoSuchFileException.class);
            assertThatThrownBy(() -> directory.open("other")).isInstanceOf(NoSuchFileException.class);
        }
        assertThat(temporary.resolve("other")).doesNotExist();
        assertThat(file).exists();
    }
}

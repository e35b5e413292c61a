package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileSystemStatusTest {
    @TempDir
    Path directory;

    /** As {@code stat -f} tells it. */
    private static String told(String format, Path file) throws IOException {
        Process stat = new ProcessBuilder("stat", "-f", "-L", "-c", format, file.toString()).start();
        return new String(stat.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
    }

    @Test
    void agreesWithStatAboutAFileSystemInMemoryAndOneOnADisk() throws IOException {
        for (Path file : new Path[] {directory, Files.createFile(directory.resolve("file")), Path.of("/dev/shm")}) {
            FileSystemStatus status = FileSystemStatus.of(file);
            List<String> told = List.of(told("%t %S %b", file).split(" ", -1));

            assertThat(Long.toHexString(status.type()).toLowerCase(Locale.ROOT)).isEqualTo(told.get(0));
            assertThat(status.total()).isEqualTo(Long.parseLong(told.get(1)) * Long.parseLong(told.get(2)));
            assertThat(status.available()).isBetween(1L, status.free());
            assertThat(status.free()).isLessThanOrEqualTo(status.total());
            assertThat(status.hasModes()).isTrue();
        }
    }

    @Test
    void fileSystemsOfWindowsHaveNoModes() {
        assertThat(new FileSystemStatus(0xff53_4d42L, 1, 1, 1, 1).hasModes()).isFalse();
        assertThat(new FileSystemStatus(0x4d44L, 1, 1, 1, 1).hasModes()).isFalse();
    }

    @Test
    void whatDoesNotExistHasNone() {
        assertThatThrownBy(() -> FileSystemStatus.of(directory.resolve("missing")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("missing");
    }
}

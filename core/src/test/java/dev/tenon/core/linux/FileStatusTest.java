package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileStatusTest {
    @TempDir
    Path directory;

    @Test
    void agreesWithTheJdkOnARegularFile() throws IOException {
        Path file = Files.write(directory.resolve("file"), new byte[5000]);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        Files.createLink(directory.resolve("link"), file);

        FileStatus status = FileStatus.of(file);

        assertThat(status.isRegularFile()).isTrue();
        assertThat(status.isDirectory()).isFalse();
        assertThat(status.isBlockDevice()).isFalse();
        assertThat(status.permissions()).isEqualTo(0640);
        assertThat(status.mode()).isEqualTo(Files.getAttribute(file, "unix:mode"));
        assertThat(status.size()).isEqualTo(5000);
        assertThat(status.owner()).isEqualTo(((Integer) Files.getAttribute(file, "unix:uid")).longValue());
        assertThat(status.group()).isEqualTo(((Integer) Files.getAttribute(file, "unix:gid")).longValue());
        assertThat(status.links()).isEqualTo(2);
        FileTime ctime = (FileTime) Files.getAttribute(file, "unix:ctime");
        assertThat(status.changeTime()).isEqualTo(ctime.to(TimeUnit.SECONDS));
    }

    @Test
    void countsOnlyTheBlocksOfASparseFile() throws IOException {
        Path file = directory.resolve("sparse");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(1L << 32);
            sparse.seek(1L << 20);
            sparse.write(new byte[4096]);
        }

        FileStatus status = FileStatus.of(file);

        assertThat(status.size()).isEqualTo(1L << 32);
        assertThat(status.allocated()).isBetween(4096L, 1L << 20);
    }

    @Test
    void knowsDirectoriesAndFollowsLinksOnlyWhenAsked() throws IOException {
        Path link = Files.createSymbolicLink(directory.resolve("link"), directory);

        assertThat(FileStatus.of(directory).isDirectory()).isTrue();
        assertThat(FileStatus.of(link).isDirectory()).isTrue();
        assertThat(FileStatus.ofLink(link).isDirectory()).isFalse();
        assertThat(FileStatus.ofLink(link).isSymbolicLink()).isTrue();
    }

    @Test
    void knowsACharacterDevice() throws IOException {
        assertThat(FileStatus.of(Path.of("/dev/null")).isCharacterDevice()).isTrue();
        assertThat(FileStatus.of(Path.of("/dev/null")).isBlockDevice()).isFalse();
        assertThat(FileStatus.of(directory).isCharacterDevice()).isFalse();
    }

    @Test
    void knowsABlockDeviceIfThereIsOne() throws IOException {
        Path device = Path.of("/dev/loop0");
        Assumptions.assumeTrue(Files.exists(device), "there is no /dev/loop0 here");

        assertThat(FileStatus.of(device).isBlockDevice()).isTrue();
    }

    @Test
    void findsAFileWithANameThatIsNotAscii() throws IOException {
        Path file;
        try {
            file = directory.resolve("Größe-ж");
        } catch (InvalidPathException e) {
            Assumptions.abort("the locale of this JVM has no such characters: " + e.getMessage());
            return;
        }
        Files.write(file, new byte[3]);

        assertThat(FileStatus.of(file).size()).isEqualTo(3);
    }

    @Test
    void tellsAMissingFile() {
        Path missing = directory.resolve("missing");

        assertThatThrownBy(() -> FileStatus.of(missing))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(missing + ": No such file or directory");
    }

    @Test
    void tellsAFileWhereADirectoryIsExpectedAsMissing() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));

        assertThatThrownBy(() -> FileStatus.of(file.resolve("child")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("Not a directory");
    }

    @Test
    void tellsALoopOfLinks() throws IOException {
        Path link = directory.resolve("loop");
        Files.createSymbolicLink(link, link);

        assertThatThrownBy(() -> FileStatus.of(link)).isInstanceOf(FileSystemLoopException.class);
    }

    @Test
    void tellsTheErrorsTextForAnyOtherError() {
        Path tooLong = directory.resolve("n".repeat(300));

        assertThatThrownBy(() -> FileStatus.of(tooLong))
                .isInstanceOf(FileSystemException.class)
                .isNotInstanceOf(FileNotFoundException.class)
                .hasMessageContaining("File name too long");
    }

    @Test
    void tellsThatAnAccessIsDenied() {
        assertThat(Errno.toException(Errno.EACCES, Path.of("/closed/file"), null))
                .isInstanceOf(AccessDeniedException.class)
                .hasMessageContaining("/closed/file")
                .hasMessageContaining("Permission denied");
    }
}

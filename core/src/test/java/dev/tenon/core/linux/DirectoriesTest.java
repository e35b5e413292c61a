package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DirectoriesTest {
    @TempDir
    Path directory;

    private static String mode(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    @ParameterizedTest
    @CsvSource({"rwx------", "rwxr-xr-x", "rwxr-x---", "rwxrwxrwx"})
    void whatIsMissingIsMadeWithItsModeAndWhatIsAboveItForAll(String mode) throws IOException {
        Path deep = directory.resolve("a/b/c");
        Directories.make(deep, mode);
        assertThat(mode(deep)).isEqualTo(mode);
        assertThat(mode(directory.resolve("a/b"))).isEqualTo("rwxr-xr-x");
        assertThat(mode(directory.resolve("a"))).isEqualTo("rwxr-xr-x");
    }

    @ParameterizedTest
    @CsvSource({"rwx------, rwxr-xr-x", "rwxr-xr-x, rwx------", "r-x------, rwxr-xr-x"})
    void oneThatIsThereGetsTheModeAndThoseAboveItStay(String before, String mode) throws IOException {
        Path above = Files.createDirectory(directory.resolve("above"));
        Path made = Files.createDirectory(above.resolve("made"));
        Files.setPosixFilePermissions(made, PosixFilePermissions.fromString(before));
        Files.setPosixFilePermissions(above, PosixFilePermissions.fromString("rwx------"));
        Directories.make(made, mode);
        assertThat(mode(made)).isEqualTo(mode);
        assertThat(mode(above)).isEqualTo("rwx------");
    }

    @Test
    void oneThatIsOpenedLosesNoRight() throws IOException {
        Path open = Files.createDirectory(directory.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwx---"));
        Directories.open(open);
        assertThat(mode(open)).isEqualTo("rwxrwxr-x");
        Directories.open(directory.resolve("missing"));
        assertThat(directory.resolve("missing")).doesNotExist();
    }

    @Test
    void aFileInItsPlaceIsTold() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        assertThatThrownBy(() -> Directories.make(file, "rwx------")).isInstanceOf(FileAlreadyExistsException.class);
    }
}

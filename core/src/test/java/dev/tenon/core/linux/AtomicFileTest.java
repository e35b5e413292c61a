package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
    private static final byte[] OLD = {1, 2, 3};
    private static final byte[] NEW = {4};

    @TempDir
    private Path directory;

    @Test
    void aNewFileHasTheModeThatIsGiven() throws IOException {
        Path file = directory.resolve("file");

        AtomicFile.replace(file, NEW, 0640);

        assertThat(file).hasBinaryContent(NEW);
        assertThat(mode(file)).isEqualTo("rw-r-----");
        assertThat(names()).containsExactly("file");
    }

    @Test
    void aFileKeepsItsModeAndALinkToItStaysOne() throws IOException {
        Path file = Files.write(directory.resolve("file"), OLD);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-r--"));
        Path link = Files.createSymbolicLink(directory.resolve("link"), file.getFileName());

        AtomicFile.replace(link, NEW, 0640);

        assertThat(link).isSymbolicLink();
        assertThat(file).hasBinaryContent(NEW);
        assertThat(mode(file)).isEqualTo("rw-rw-r--");
    }

    @Test
    void aSecretTakesNoModeFromAnEarlierFile() throws IOException {
        Path file = Files.write(directory.resolve("file"), OLD);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));

        AtomicFile.replaceSecret(file, NEW, PosixFilePermissions.fromString("r--------"));

        assertThat(mode(file)).isEqualTo("r--------");
        assertThat(Files.readAllBytes(file)).isEqualTo(NEW);
    }

    @Test
    void ofTwoThatReplaceItAtOnceOneWritesAllOfIt() throws Exception {
        Path file = directory.resolve("file");
        int rounds = 200;
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            List<Future<?>> writers = new ArrayList<>();
            for (byte value = 1; value <= 2; value++) {
                byte[] content = new byte[100_000];
                Arrays.fill(content, value);
                writers.add(threads.submit(() -> {
                    for (int i = 0; i < rounds; i++) {
                        AtomicFile.replaceReport(file, content);
                        byte[] seen = Files.readAllBytes(file);
                        assertThat(seen).hasSize(content.length).containsOnly(seen[0]);
                    }
                    return null;
                }));
            }
            for (Future<?> writer : writers) {
                writer.get();
            }
        }
        assertThat(names()).containsExactly("file");
    }

    /** A name that cannot be replaced: that of a directory with something in it. */
    @Test
    void whatCannotBeReplacedIsAsItWas() throws IOException {
        Path taken = Files.createDirectories(directory.resolve("taken"));
        Files.write(taken.resolve("inside"), OLD);

        assertThatThrownBy(() -> AtomicFile.replace(taken, NEW, 0640)).isInstanceOf(IOException.class);

        assertThat(taken.resolve("inside")).hasBinaryContent(OLD);
        assertThat(names()).containsExactly("taken");
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}

package dev.tenon.core.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompanionTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    private static boolean isAlive(Path file) throws IOException {
        return ProcessHandle.of(Long.parseLong(Files.readString(file).strip()))
                .map(ProcessHandle::isAlive)
                .orElse(false);
    }

    private static boolean hasText(Path file) {
        try {
            return Files.exists(file) && Files.readString(file).endsWith("\n");
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void endsWithItsOwner() throws IOException {
        Path pid = directory.resolve("pid");
        Companion program =
                Companion.start(List.of("sh", "-c", "echo $$ >" + pid + "; exec sleep 1000"), directory.resolve("log"));
        try (program) {
            program.awaitReady(() -> hasText(pid), LIMIT);
            assertThat(isAlive(pid)).isTrue();
        }
        assertThat(program.isAlive()).isFalse();
        assertThat(isAlive(pid)).isFalse();
    }

    /** The program outlives a shell that has nothing to do with it, and goes when that is killed. */
    @Test
    void endsWhenItsOwnerIsKilled() throws Exception {
        Path pid = directory.resolve("pid");
        Process owner = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "-XX:TieredStopAtLevel=1",
                        Owner.class.getName(),
                        pid.toString(),
                        directory.resolve("log").toString())
                .inheritIO()
                .start();
        await().atMost(LIMIT).until(() -> hasText(pid));

        owner.destroyForcibly().waitFor();

        await().atMost(LIMIT).until(() -> !isAlive(pid));
    }

    /** A process that starts a program and does nothing more. */
    static final class Owner {
        private Owner() {}

        public static void main(String[] args) throws InterruptedException {
            Companion.start(List.of("sh", "-c", "echo $$ >" + args[0] + "; exec sleep 1000"), Path.of(args[1]));
            Thread.currentThread().join();
        }
    }

    @Test
    void itsLastWordsAreTold() {
        try (Companion program =
                Companion.start(List.of("sh", "-c", "echo first; echo last >&2; exit 3"), directory.resolve("log"))) {
            assertThatThrownBy(() -> program.awaitReady(() -> false, LIMIT))
                    .isInstanceOf(StorageException.class)
                    .hasMessage("sh ended: last");
        }
    }

    @Test
    void aProgramThatIsNotThereIsTold() {
        try (Companion program = Companion.start(List.of("no-such-program-here"), directory.resolve("log"))) {
            assertThatThrownBy(() -> program.awaitReady(() -> false, LIMIT))
                    .hasMessageContaining("no-such-program-here ended: ")
                    .hasMessageContaining("not found");
        }
    }

    @Test
    void aProgramThatIsNotReadyInTimeIsTold() {
        try (Companion program = Companion.start(List.of("sleep", "1000"), directory.resolve("log"))) {
            assertThatThrownBy(() -> program.awaitReady(() -> false, Duration.ofMillis(50)))
                    .hasMessage("sleep is not ready after 0 seconds: it said nothing");
        }
    }
}

package dev.tenon.bridge.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ProcessesTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static long openProcesses() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.filter(ProcessesTest::isProcess).count();
        }
    }

    private static boolean isProcess(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().contains("pidfd");
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void anEndIsToldOnceAndNothingIsWatchedThen() throws IOException {
        AtomicInteger told = new AtomicInteger();
        Process cat = new ProcessBuilder("cat").start();
        try (Processes processes = new Processes();
                Processes.Watch _ = processes.watch(cat.pid(), told::incrementAndGet)) {
            assertThat(openProcesses()).isOne();
            cat.destroy();
            await().atMost(PATIENCE).until(() -> told.get() > 0);
            await().atMost(PATIENCE).until(() -> openProcesses() == 0);
            assertThat(told).hasValue(1);
        } finally {
            cat.destroyForcibly();
        }
    }

    @Test
    void aProcessThatIsNotThereHasEnded() {
        AtomicInteger told = new AtomicInteger();
        try (Processes processes = new Processes();
                Processes.Watch _ = processes.watch(Integer.MAX_VALUE, told::incrementAndGet)) {
            await().atMost(PATIENCE).until(() -> told.get() == 1);
        }
    }
}

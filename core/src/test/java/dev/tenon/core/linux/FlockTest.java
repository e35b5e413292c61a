package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlockTest {
    @TempDir
    Path directory;

    @Test
    void excludesAnotherProcessUntilItIsClosed() throws Exception {
        Path file = directory.resolve("lock");
        try (Flock lock = Flock.open(file)) {
            assertThat(isLockedForOthers(file)).isFalse();
            assertThat(lock.tryLock()).isTrue();
            assertThat(isLockedForOthers(file)).isTrue();
        }
        assertThat(isLockedForOthers(file)).isFalse();
        assertThat(file).exists();
    }

    @Test
    void isRefusedWhileAnotherHoldsItAndKeepsTheFilesContent() throws IOException {
        Path file = Files.writeString(directory.resolve("lock"), "content");
        try (Flock second = Flock.open(file)) {
            try (Flock first = Flock.open(file)) {
                assertThat(first.tryLock()).isTrue();
                assertThat(second.tryLock()).isFalse();
            }
            assertThat(second.tryLock()).isTrue();
        }
        assertThat(file).hasContent("content");
    }

    @Test
    void isNotInheritedByAProcessThatIsStarted() throws Exception {
        Path file = directory.resolve("lock");
        Flock lock = Flock.open(file);
        assertThat(lock.tryLock()).isTrue();
        Process child = new ProcessBuilder("cat").start();
        try {
            List<Path> open;
            try (var descriptors = Files.list(Path.of("/proc/" + child.pid() + "/fd"))) {
                open = descriptors.map(FlockTest::target).toList();
            }
            assertThat(open).isNotEmpty().doesNotContain(file.toRealPath());
            lock.close();
            assertThat(isLockedForOthers(file)).isFalse();
            assertThat(child.isAlive()).isTrue();
        } finally {
            lock.close();
            child.destroyForcibly().waitFor();
        }
    }

    @Test
    void waitsInTheKernelForWhoeverHoldsIt() throws Exception {
        Path file = directory.resolve("lock");
        Process holder = new ProcessBuilder("flock", file.toString(), "-c", "echo locked; cat").start();
        try (Flock lock = Flock.open(file)) {
            assertThat(holder.inputReader().readLine()).isEqualTo("locked");
            assertThat(lock.tryLock()).isFalse();
            holder.getOutputStream().close();
            lock.lock();
            assertThat(isLockedForOthers(file)).isTrue();
        } finally {
            holder.waitFor();
        }
    }

    @Test
    void tellsWhyAFileCannotBeOpened() {
        assertThatThrownBy(() -> Flock.open(directory.resolve("missing/lock")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("missing/lock");
    }

    @Test
    void isNotUsedAfterItWasClosed() throws IOException {
        Flock lock = Flock.open(directory.resolve("lock"));
        lock.close();
        lock.close();
        assertThatThrownBy(lock::tryLock)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is closed");
    }

    private static Path target(Path link) {
        try {
            return Files.readSymbolicLink(link);
        } catch (IOException e) {
            return link;
        }
    }

    private static boolean isLockedForOthers(Path file) throws Exception {
        return new ProcessBuilder("flock", "-n", file.toString(), "true")
                        .start()
                        .waitFor()
                != 0;
    }
}

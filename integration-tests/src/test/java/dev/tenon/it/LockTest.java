package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.it.support.Background;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Perl's storage locks, of the compat layer or of PVE itself, and Java's are the same locks. */
class LockTest {
    private static final StorageId STORE = new StorageId("store");
    private static final int WORKERS = 4;
    private static final int ROUNDS = 50;

    private Locks locks;

    @BeforeEach
    void makeLockDirectories(Scratch scratch) throws IOException {
        Path directory = Files.createDirectory(scratch.file("locks"));
        if (Installation.pveLibrary() == null) {
            locks = new Locks(directory, null);
            return;
        }
        Assumptions.assumeTrue(
                "root".equals(System.getProperty("user.name")),
                "PVE's own modules lock at fixed places, which only root can mount a scratch directory at");
        Path cluster = scratch.file("pve");
        Files.createDirectories(cluster.resolve("priv"));
        Files.createSymbolicLink(cluster.resolve("local"), Path.of("nodes/here"));
        locks = new Locks(directory, cluster);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatPerlHoldsJavaWaitsFor(boolean isShared, Scratch scratch) throws Exception {
        PerlProgram perl = perl(scratch);
        hold(perl, isShared);

        assertThatThrownBy(() -> lock(isShared).hold(Duration.ofMillis(100), () -> "never"))
                .isInstanceOf(StorageException.class)
                .hasMessageStartingWith(refusal(isShared)[0])
                .hasMessageEndingWith(refusal(isShared)[1]);
        Background<String> waiting = Background.of(() -> lock(isShared).hold(null, () -> "had"));
        waiting.awaitWaiting();
        perl.say("release");
        assertThat(perl.line()).isEqualTo("done");
        assertThat(waiting.result()).isEqualTo("had");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatJavaHoldsPerlWaitsFor(boolean isShared, Scratch scratch) {
        PerlProgram perl = perl(scratch);
        lock(isShared).hold(null, () -> {
            perl.say("hold " + flag(isShared) + " 1");
            assertThat(perl.line())
                    .startsWith("failed: " + refusal(isShared)[0])
                    .endsWith(refusal(isShared)[1]);
            perl.say("hold " + flag(isShared) + " 30");
            await("perl waits")
                    .pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> perl.errors()
                                    .lines()
                                    .filter(line -> line.contains("trying to acquire"))
                                    .count()
                            > 1);
            return "held";
        });
        assertThat(perl.line()).isEqualTo("held");
        perl.say("release");
        assertThat(perl.line()).isEqualTo("done");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void noChangeIsLostWhenBothChangeTheSameFile(boolean isShared, Scratch scratch) throws Exception {
        Path counter = Files.writeString(scratch.file("counter"), "0");
        List<PerlProgram> programs = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            programs.add(perl(scratch));
        }
        programs.forEach(perl -> perl.say("count " + flag(isShared) + " " + counter + " " + ROUNDS));
        List<Background<String>> threads = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            threads.add(Background.of(() -> {
                for (int round = 0; round < ROUNDS; round++) {
                    lock(isShared).hold(Duration.ofSeconds(50), () -> addOne(counter));
                }
                return "done";
            }));
        }
        for (Background<String> thread : threads) {
            assertThat(thread.result()).isEqualTo("done");
        }
        for (PerlProgram perl : programs) {
            assertThat(perl.line()).isEqualTo("done");
        }
        assertThat(counter).hasContent(String.valueOf(2 * WORKERS * ROUNDS));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theLockOfAHolderThatIsKilledIsToBeHad(boolean isShared, Scratch scratch) throws Exception {
        PerlProgram perl = perl(scratch);
        hold(perl, isShared);
        Background<String> waiting = Background.of(() -> lock(isShared).hold(null, () -> "had"));
        waiting.awaitWaiting();
        perl.close();
        if (isShared && locks.cluster() != null) {
            dropsTheLockThatIsAskedFor(scratch.file("pve/priv/lock/storage-store"));
        }
        assertThat(waiting.result()).isEqualTo("had");
    }

    /** Does what PVE's cluster file system does after 120 seconds. */
    private static void dropsTheLockThatIsAskedFor(Path stale) throws IOException {
        await("the lock is asked for")
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> Files.getLastModifiedTime(stale).equals(FileTime.fromMillis(0)));
        Files.delete(stale);
    }

    private ExclusiveLock lock(boolean isShared) {
        return locks.storage(STORE, isShared);
    }

    private static PerlProgram perl(Scratch scratch) {
        PerlProgram perl = PerlProgram.start(
                scratch,
                List.of(),
                Installation.resource("perl/locks.pl"),
                scratch.root().toString());
        assertThat(perl.line()).isEqualTo("ready");
        return perl;
    }

    private static void hold(PerlProgram perl, boolean isShared) {
        perl.say("hold " + flag(isShared) + " 10");
        assertThat(perl.line()).isEqualTo("held");
    }

    private static String flag(boolean isShared) {
        return isShared ? "1" : "0";
    }

    /** How either language says that the lock is not to be had: the beginning and the end. */
    private static String[] refusal(boolean isShared) {
        return isShared
                ? new String[] {"cfs-lock 'storage-store' error: ", "got lock request timeout"}
                : new String[] {"can't lock file '/", "/pve-storage-store' - got timeout"};
    }

    private static String addOne(Path counter) {
        try {
            int number = Integer.parseInt(Files.readString(counter));
            Files.writeString(counter, String.valueOf(number + 1));
            return "added";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

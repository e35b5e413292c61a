package dev.tenon.core.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Commands that are waited for so long and no longer. */
class ShortCommandTest {
    private static ShortCommand of(Duration deadline, String script) {
        return new ShortCommand(List.of("sh", "-c", script), Map.of("TENON_WORD", "word"), deadline);
    }

    @Test
    void anExitCodeIsAnAnswer() {
        ShortCommand.Ended ended = of(
                        Duration.ofMinutes(1),
                        "echo \"$TENON_WORD $LC_ALL\"; echo '  a' >&2; echo >&2; echo b >&2; exit 5")
                .run();
        assertThat(ended.exitCode()).isEqualTo(5);
        assertThat(ended.output()).isEqualTo("word C\n");
        assertThat(ended.errors()).containsExactly("a", "b");
        assertThat(ended.lastWords()).isEqualTo("b");
    }

    @Test
    void aLongAnswerComesWhole() {
        assertThat(of(Duration.ofMinutes(1), "head -c 3000000 /dev/zero | tr '\\0' x")
                        .run()
                        .output())
                .hasSize(3_000_000);
    }

    @Test
    void oneThatTakesTooLongIsKilledWithItsChildren() {
        assertThatThrownBy(() -> of(Duration.ofMillis(100), "trap '' TERM; sleep 1000 & wait")
                        .run())
                .isInstanceOfSatisfying(StorageException.class, failure -> {
                    assertThat(failure.error()).isEqualTo(StorageError.COMMAND_FAILED);
                    assertThat(failure.outcome()).isEqualTo(Outcome.UNKNOWN);
                })
                .hasMessageEndingWith("failed: got timeout");
    }

    @Test
    void oneThatIsWatchedIsKilledWhenTheLookThrowsAndElseGoesOn() {
        AtomicInteger looks = new AtomicInteger();
        Watch watch = new Watch(Duration.ofMillis(20), () -> {
            if (looks.incrementAndGet() == 3) {
                throw StorageException.refused(StorageError.NO_SPACE, "it will never come");
            }
        });
        assertThatThrownBy(() -> of(Duration.ofMinutes(10), "sleep 1000").run(watch))
                .hasMessage("it will never come");
        assertThat(looks).hasValue(3);
        assertThat(of(Duration.ofMinutes(10), "sleep 0.3; echo done").run(watch).output())
                .isEqualTo("done\n");
        assertThat(looks).hasValueGreaterThan(3);
        assertThatThrownBy(() -> of(Duration.ofMillis(100), "sleep 1000").run(watch))
                .hasMessageEndingWith("failed: got timeout");
    }

    @Test
    void aSignalIsToldAndAProgramThatIsMissing() {
        assertThatThrownBy(() -> of(Duration.ofMinutes(1), "kill -9 $$").run())
                .hasMessageEndingWith("failed: got signal 9");
        ShortCommand missing = new ShortCommand(List.of("tenon-has-no-such-program"), Map.of(), Duration.ofMinutes(1));
        assertThatThrownBy(missing::run)
                .isInstanceOfSatisfying(
                        StorageException.class,
                        failure -> assertThat(failure.outcome()).isEqualTo(Outcome.NOT_STARTED));
    }
}

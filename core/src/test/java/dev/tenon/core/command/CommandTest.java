package dev.tenon.core.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.time.Duration;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;

class CommandTest {
    @Test
    void returnsWhatTheCommandWrites() {
        assertThat(Command.of("printf", "%s|", "a b", "$HOME", "'\"", "").run()).isEqualTo("a b|$HOME|'\"||");
    }

    @Test
    void keepsBlanksAtBothEndsOfAnArgument() {
        assertThat(Command.of("printf", "%s|", " before", "after ", "\tboth\n", " ")
                        .run())
                .isEqualTo(" before|after |\tboth\n| |");
    }

    @Test
    void runsInTheCLocaleWithoutInput() {
        assertThat(Command.of("sh", "-c", "echo $LC_ALL; cat").run()).isEqualTo("C\n");
    }

    @Test
    void tellsTheLastErrorLineAfterThePrefix() {
        Command command = Command.of("sh", "-c", "echo first >&2; echo 'the last' >&2; echo >&2; exit 3");

        assertThatThrownBy(
                        () -> command.withErrorPrefix("unable to create image").run())
                .hasMessage("unable to create image: the last")
                .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                .satisfies(failure -> {
                    assertThat(failure.error()).isEqualTo(StorageError.COMMAND_FAILED);
                    assertThat(failure.outcome()).isEqualTo(Outcome.UNKNOWN);
                });
    }

    @Test
    void tellsTheExitCodeIfThereIsNoErrorLine() {
        assertThatThrownBy(() -> Command.of("sh", "-c", "exit 3")
                        .withErrorPrefix("zfs error")
                        .run())
                .hasMessage("zfs error: exit code 3");
    }

    @Test
    void namesTheCommandIfThereIsNoPrefix() {
        assertThatThrownBy(() -> Command.of("sh", "-c", "echo oops >&2; exit 3").run())
                .hasMessage("command 'sh -c echo oops >&2; exit 3' failed: exit code 3");
    }

    @Test
    void takesAnExitCodeForAnAnswer() {
        assertThat(Command.of("sh", "-c", "echo said; echo why >&2; exit 3").end())
                .isEqualTo(new Command.Ended(3, "said\n"));
        assertThatThrownBy(() -> Command.of("sh", "-c", "kill -TERM $$").end()).hasMessageContaining("got signal 15");
    }

    @Test
    void tellsTheSignal() {
        assertThatThrownBy(() -> Command.of("sh", "-c", "kill -TERM $$")
                        .withErrorPrefix("x")
                        .run())
                .hasMessage("command 'sh -c kill -TERM $$' failed: got signal 15");
    }

    @Test
    void killsACommandThatIgnoresItsDeadline() {
        Command command =
                Command.of("sh", "-c", "trap '' TERM; while :; do :; done").withDeadline(Duration.ofMillis(200));

        assertThatThrownBy(() -> command.withErrorPrefix("x").run()).hasMessageEndingWith("failed: got timeout");
    }

    @Test
    void tellsThatTheStorageIsFull() {
        assertThatThrownBy(() -> Command.of("sh", "-c", "echo 'x: No space left on device' >&2; exit 1")
                        .withErrorPrefix("unable to create image")
                        .run())
                .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                .extracting(StorageException::error)
                .isEqualTo(StorageError.NO_SPACE);
    }

    @Test
    void tellsAProgramThatIsMissing() {
        assertThatThrownBy(() -> Command.of("/no/such/program").run())
                .hasMessageContaining("/no/such/program")
                .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                .extracting(StorageException::outcome)
                .isEqualTo(Outcome.NOT_STARTED);
    }

    @Test
    void refusesMoreOutputThanItKeeps() {
        assertThatThrownBy(
                        () -> Command.of("head", "-c", "20000000", "/dev/zero").run())
                .hasMessageContaining("wrote more than 16777216 bytes");
    }
}

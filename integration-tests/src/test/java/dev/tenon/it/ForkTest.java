package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import java.util.List;
import org.junit.jupiter.api.Test;

/** PVE's daemons fork workers all the time. */
class ForkTest {
    @Test
    void parentAndChildCallAtOnceAfterAForkAndEachGetsItsOwnAnswers(Scratch scratch) {
        ScratchStorage storage = ScratchStorage.create(scratch);
        DaemonProcess.start(scratch);
        PerlProgram program = PerlProgram.run(
                scratch,
                List.of(),
                Installation.resource("perl/fork.pl"),
                storage.path().toString());
        assertThat(program.said().lines())
                .containsExactlyInAnyOrder(
                        "parent 100 right, 0 wrong",
                        "child 100 right, 0 wrong",
                        "grandchild 100 right, 0 wrong",
                        "end 0");
        assertThat(program.errors()).isEmpty();
    }
}

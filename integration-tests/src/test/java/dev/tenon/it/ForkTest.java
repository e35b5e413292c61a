package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PVE's daemons fork workers all the time. */
class ForkTest {
    @Test
    void parentAndChildCallAtOnceAfterAForkAndEachGetsItsOwnAnswers(Scratch scratch) {
        ScratchStorage storage = ScratchStorage.create(scratch);
        DaemonProcess.start(scratch);
        assertAllAreRight(scratch, storage.path().toString());
    }

    @ParameterizedTest(name = "members: {0}")
    @ValueSource(strings = {"1", "16"})
    void theSameOfAnAdoptedPlugin(String members, Scratch scratch) {
        ScratchStorage storage = ScratchStorage.create(scratch);
        DaemonProcess.startWith(
                scratch,
                List.of(
                        "--adopted",
                        scratch.file("nothing-adopted").toString(),
                        "--members",
                        members,
                        "--plugin",
                        Installation.legacyDirPlugin().toString()));
        assertAllAreRight(scratch, storage.path().toString(), "legacydir");
    }

    private static void assertAllAreRight(Scratch scratch, String... arguments) {
        PerlProgram program = PerlProgram.run(scratch, List.of(), Installation.resource("perl/fork.pl"), arguments);
        assertThat(program.said().lines())
                .containsExactlyInAnyOrder(
                        "parent 100 right, 0 wrong",
                        "child 100 right, 0 wrong",
                        "grandchild 100 right, 0 wrong",
                        "end 0");
        assertThat(program.errors()).isEmpty();
    }
}

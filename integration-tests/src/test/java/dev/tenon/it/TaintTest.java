package dev.tenon.it;

import static dev.tenon.it.support.ScratchStorage.ID;
import static dev.tenon.it.support.ScratchStorage.QCOW2;
import static dev.tenon.it.support.ScratchStorage.RAW;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** PVE's daemons run with taint checks, and what a storage answers goes into open, unlink and exec. */
class TaintTest {
    @Test
    void nothingThatAStorageAnswersIsTainted(Scratch scratch) {
        Map<String, Object> scfg = ScratchStorage.create(scratch).section("tenondir");
        DaemonProcess.start(scratch);
        PerlCaller perl = PerlCaller.start(scratch, "-T");
        List<PerlCaller.Answer> answers = List.of(
                perl.scalar("api"),
                perl.scalar("type"),
                perl.scalar("plugindata"),
                perl.scalar("options"),
                perl.list("parse_volname", RAW),
                perl.list("path", scfg, RAW, ID),
                perl.list("filesystem_path", scfg, RAW),
                perl.scalar("get_subdir", scfg, "images"),
                perl.scalar("list_images", ID, scfg, null, null, Map.of()),
                perl.list("volume_size_info", scfg, ID, QCOW2, 5),
                perl.list("status", ID, scfg, Map.of()),
                perl.scalar("find_free_diskname", ID, scfg, 100, "raw", 1),
                perl.scalar("alloc_image", ID, scfg, 102, "raw", null, 1024),
                perl.scalar("free_image", ID, scfg, "102/vm-102-disk-0.raw"));
        assertThat(answers).allSatisfy(answer -> {
            assertThat(answer.error()).isNull();
            assertThat(answer.tainted()).isEmpty();
        });
    }

    @Test
    void whatIsAnsweredMayBeOpenedExecutedAndRemovedUnderTaintChecks(Scratch scratch) {
        ScratchStorage storage = ScratchStorage.create(scratch);
        DaemonProcess.start(scratch);
        PerlProgram program = PerlProgram.run(
                scratch,
                List.of("-T"),
                Installation.resource("perl/tainted.pl"),
                ID,
                storage.path().toString());
        assertThat(program.said().lines())
                .containsExactly(
                        "refused: Insecure dependency in open",
                        "opened 16777216",
                        "executed qcow2",
                        "removed 103/vm-103-disk-0.raw");
        assertThat(program.errors()).isEmpty();
    }
}

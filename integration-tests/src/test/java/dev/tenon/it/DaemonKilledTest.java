package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.it.support.Background;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The daemon is killed in the middle of a call of a Perl program. */
class DaemonKilledTest {
    @ParameterizedTest(name = "a plugin that {0}s")
    @ValueSource(strings = {"hang", "wait"})
    void theProgramDiesWithOneLineAndWorksAgainWithANewDaemonAndTheSidecarEnds(String habit, Scratch scratch)
            throws Exception {
        Path ready = scratch.file("ready");
        Map<String, Object> scfg = ScratchStorage.create(scratch)
                .section(
                        "torture",
                        "ready",
                        ready.toString(),
                        "go",
                        scratch.file("go").toString());
        DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
        PerlCaller perl = PerlCaller.start(scratch);
        PerlCaller torture = perl.calling("torture");
        ProcessHandle sidecar = daemon.sidecars().getFirst();

        torture.begin("list", "volume_size_info", scfg, "nas", habit);
        Background.awaitReady(ready);
        daemon.kill();

        assertThat(torture.answer().died())
                .isEqualTo("volume_size_info of torture, storage 'nas', volume '" + habit + "': the connection was lost"
                        + " before the answer came; whether it took effect is not known\n");
        await("the sidecar has ended by itself").atMost(Duration.ofSeconds(10)).until(() -> !sidecar.isAlive());

        assertThat(perl.scalar("status", "nas", scfg, Map.of()).died())
                .isEqualTo("status of dir, storage 'nas': nobody answers at the socket '" + daemon.socket()
                        + "': Connection refused; it was not started\n");
        DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
        assertThat(perl.scalar("status", "nas", scfg, Map.of()).value()).isEqualTo("1");
        assertThat(torture.scalar("volume_size_info", scfg, "nas", "plain").value())
                .isEqualTo("1024");
    }

    @Test
    void aSidecarThatIsIdleEndsWithItsDaemonToo(Scratch scratch) {
        DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
        ProcessHandle sidecar = daemon.sidecars().getFirst();
        daemon.kill();
        await("the sidecar has ended by itself").atMost(Duration.ofSeconds(10)).until(() -> !sidecar.isAlive());
    }

    @Test
    void aSidecarThatIgnoresBeingAskedToEndDoesNotOutliveItsDaemon(Scratch scratch) {
        Path ready = scratch.file("ready");
        Map<String, Object> scfg = ScratchStorage.empty(scratch).section("torture", "ready", ready.toString());
        DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
        PerlCaller perl = PerlCaller.start(scratch).calling("torture");
        ProcessHandle sidecar = daemon.sidecars().getFirst();
        perl.begin("list", "volume_size_info", scfg, "nas", "hang-deaf");
        Background.awaitReady(ready);
        daemon.kill();
        assertThat(perl.answer().died()).contains("whether it took effect is not known");
        try {
            await("the sidecar has ended by itself")
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> !sidecar.isAlive());
        } finally {
            sidecar.destroyForcibly();
        }
    }

    @Test
    void aDaemonThatIsAskedToEndDoesNotWaitForAPluginThatHangs(Scratch scratch) {
        Path ready = scratch.file("ready");
        Map<String, Object> scfg = ScratchStorage.empty(scratch).section("torture", "ready", ready.toString());
        DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
        PerlCaller perl = PerlCaller.start(scratch).calling("torture");
        ProcessHandle sidecar = daemon.sidecars().getFirst();
        perl.begin("list", "volume_size_info", scfg, "nas", "hang");
        Background.awaitReady(ready);
        long asked = System.nanoTime();
        daemon.terminate();
        assertThat(perl.answer().died())
                .isEqualTo("volume_size_info of torture, storage 'nas', volume 'hang': the peer closed the connection:"
                        + " SHUTTING_DOWN, the daemon is shutting down; whether it took effect is not known\n");
        assertThat(daemon.awaitEnd()).isEqualTo(143);
        assertThat(Duration.ofNanos(System.nanoTime() - asked)).isLessThan(Duration.ofSeconds(20));
        assertThat(sidecar.isAlive()).isFalse();
        assertThat(daemon.socket()).doesNotExist();
    }

    @Test
    void aCallThatIsUnderWayWhenTheDaemonIsAskedToEndGetsItsAnswer(Scratch scratch) throws IOException {
        ScratchStorage storage = ScratchStorage.empty(scratch);
        DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("FamilyPlugin.pm"));
        PerlCaller idle = PerlCaller.start(scratch).calling("family");
        assertThat(idle.scalar("status", "nas", storage.section("family"), PerlCaller.cache("a"))
                        .error())
                .isNull();
        PerlCaller perl = PerlCaller.start(scratch).calling("family");
        perl.begin("list", "volume_size_info", storage.section("family"), "nas", "wait-a");
        Background.awaitReady(storage.path().resolve("ready-a"));

        daemon.terminate();
        await("nobody else may connect").atMost(Duration.ofSeconds(20)).until(() -> !Files.exists(daemon.socket()));
        Files.createFile(storage.path().resolve("go-a"));

        assertThat(perl.answer().list()).hasSize(5);
        assertThat(daemon.awaitEnd()).isEqualTo(143);
        assertThat(idle.scalar("status", "nas", storage.section("family"), PerlCaller.cache("a"))
                        .died())
                .contains("nobody answers at the socket");
    }
}

package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A daemon that is stopped, but not gone, holds a host up once. */
class HangingDaemonTest {
    @Test
    void isWaitedForOnceAndNamedWithStorageAndCallAndAStorageIsTakenOutMeanwhile(Scratch scratch) throws Exception {
        DaemonProcess daemon = DaemonProcess.start(scratch);
        Map<String, Object> scfg =
                Map.of("type", "dir", "path", scratch.storage().toString());
        Map<String, String> cache = PerlCaller.cache("all");
        signal(daemon, "STOP");
        try {
            PerlCaller host = PerlCaller.start(scratch);
            String first = host.list("status", "one", scfg, cache).died();
            assertThat(first)
                    .startsWith("status of dir, storage 'one': no hello came from the socket '" + daemon.socket() + "'")
                    .contains("none within 10 s; it was not started");
            for (String storage : List.of("two", "three")) {
                for (String method : List.of("status", "list_images")) {
                    assertThat(host.list(method, storage, scfg).died())
                            .startsWith(method + " of dir, storage '" + storage + "': ")
                            .contains("none within 0.25 s; it was not started");
                }
            }
            assertThat(host.scalar("on_update_hook", "one", Map.of("disable", 1))
                            .value())
                    .isNull();
            assertThat(host.nothing("on_delete_hook", "two", scfg).error()).isNull();
            assertThat(host.program().errors())
                    .contains("storage 'one' is changed, but its plugin was not told: on_update_hook: ")
                    .contains("storage 'two' is removed, but its plugin was not told");
            assertThat(host.scalar("on_update_hook", "one", Map.of("path", "/other"))
                            .died())
                    .startsWith("on_update_hook of dir, storage 'one': ");

            signal(daemon, "CONT");
            Awaitility.await("an answer of the daemon")
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> host.list("status", "one", scfg, cache).error() == null);
        } finally {
            signal(daemon, "CONT");
        }
    }

    private static void signal(DaemonProcess daemon, String name) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("kill", "-" + name, Long.toString(daemon.pid()))
                        .inheritIO()
                        .start()
                        .waitFor())
                .isZero();
    }
}

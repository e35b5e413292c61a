package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.it.support.Background;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** {@code tenon status} tells what a daemon does. */
class StatusTest {
    private static TenonCommand status(Scratch scratch, String... options) {
        String[] arguments = new String[3 + options.length];
        arguments[0] = "status";
        arguments[1] = "--socket";
        arguments[2] = DaemonProcess.socketIn(scratch).toString();
        System.arraycopy(options, 0, arguments, 3, options.length);
        return TenonCommand.run(scratch, arguments);
    }

    private static Map<String, Object> told(Scratch scratch) {
        try {
            return JSON.std.mapFrom(status(scratch, "--json").said());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Map<?, ?> first(Map<?, ?> told, String key) {
        return told.get(key) instanceof List<?> list && !list.isEmpty() && list.getFirst() instanceof Map<?, ?> map
                ? map
                : Map.of();
    }

    private static List<Map<?, ?>> processes(Map<String, Object> told) {
        return first(told, "plugins").get("processes") instanceof List<?> list
                ? list.stream().<Map<?, ?>>map(process -> (Map<?, ?>) process).toList()
                : List.of();
    }

    @Test
    void whatEachProcessOfAPluginDoesIsToldWithTheCallsInsideAStorage(Scratch scratch) throws IOException {
        ScratchStorage storage = ScratchStorage.empty(scratch);
        DaemonProcess daemon = DaemonProcess.startWith(
                scratch,
                List.of(
                        "--adopted",
                        scratch.file("nothing-adopted").toString(),
                        "--members",
                        "2",
                        "--plugin",
                        Installation.plugin("FamilyPlugin.pm").toString()));
        Map<String, Object> idle = told(scratch);
        assertThat(idle).containsEntry("pid", (int) daemon.pid()).containsEntry("storages", List.of());
        assertThat(first(idle, "plugins")).extracting("type", "most", "waiting").containsExactly("family", 2, 0);
        assertThat(processes(idle)).singleElement().extracting("does").isEqualTo("idle");

        PerlCaller one = PerlCaller.start(scratch).calling("family");
        PerlCaller other = PerlCaller.start(scratch).calling("family");
        PerlCaller third = PerlCaller.start(scratch).calling("family");
        one.begin("list", "volume_size_info", storage.section("family"), "nas", "wait-a");
        Background.awaitReady(storage.path().resolve("ready-a"));
        other.begin("list", "volume_size_info", storage.section("family"), "nas", "wait-b");
        Background.awaitReady(storage.path().resolve("ready-b"));
        third.begin("list", "volume_size_info", storage.section("family"), "nas", "pid");
        await().atMost(Duration.ofSeconds(20))
                .until(() -> Integer.valueOf(1)
                        .equals(first(told(scratch), "plugins").get("waiting")));

        Map<String, Object> busy = told(scratch);
        String text = status(scratch).said();
        Files.createFile(storage.path().resolve("go-a"));
        Files.createFile(storage.path().resolve("go-b"));

        assertThat(processes(busy))
                .extracting("does")
                .containsExactly(
                        "volume_size_info of storage 'nas', volume 'wait-a'",
                        "volume_size_info of storage 'nas', volume 'wait-b'");
        assertThat(first(busy, "storages"))
                .extracting("plugin", "storage", "calls", "inside", "waiting", "late")
                .containsExactly("family", "nas", "short", 3, 0, 0);
        assertThat(text)
                .contains("The daemon is process " + daemon.pid() + " and has been listening at")
                .contains("volume_size_info of storage 'nas', volume 'wait-a'")
                .contains("1 call waits for one of at most 2 processes")
                .containsPattern("family +nas +short +3 +0 +0");
        Object pid = one.answer().list().getFirst();
        assertThat(processes(busy).getFirst().get("pid")).hasToString(String.valueOf(pid));
        assertThat(other.answer().error()).isNull();
        assertThat(third.answer().error()).isNull();
    }

    @Test
    void aDaemonThatDoesNotAnswerIsToldInOneSentence(Scratch scratch) {
        TenonCommand asked = status(scratch);
        assertThat(asked.status()).isOne();
        assertThat(asked.said()).isEmpty();
        assertThat(asked.errors())
                .startsWith("tenon: nobody answers at the socket '" + DaemonProcess.socketIn(scratch) + "'")
                .endsWith("start the daemon (tenon serve), or name its socket (--socket)\n");
    }
}

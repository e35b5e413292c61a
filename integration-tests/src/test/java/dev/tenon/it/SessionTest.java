package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.it.support.Background;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.RawClient;
import dev.tenon.it.support.Requests;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Frame;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** Many calls on one connection, and calls that their caller gives up. */
@TestInstance(Lifecycle.PER_CLASS)
class SessionTest {
    private final DaemonProcess daemon;

    SessionTest(Scratch scratch) {
        daemon = DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
    }

    /** A call that has begun in the plugin and waits. */
    private static final class Waiting {
        private final Path ready;
        private final Path go;
        private final Scratch scratch;

        Waiting(Scratch scratch) {
            this.scratch = scratch;
            ready = scratch.file("ready");
            go = scratch.file("go");
        }

        Map<String, Value> call(String habit) {
            return Requests.volume(
                    Requests.section(scratch, "torture", "ready", ready.toString(), "go", go.toString()), habit);
        }

        void awaitReady() {
            Background.awaitReady(ready);
        }

        void go() throws IOException {
            Files.createFile(go);
        }
    }

    private static void answersPlain(RawClient client, Scratch scratch) {
        client.request(77, "volume_size_info", new Waiting(scratch).call("plain"), "torture");
        assertThat(client.response())
                .satisfies(response -> assertThat(response.id()).isEqualTo(77));
    }

    @Test
    void aPingIsAnsweredWhileACallIsUnderWay(Scratch scratch) throws IOException {
        Waiting waiting = new Waiting(scratch);
        try (RawClient client = RawClient.greet(daemon.socket())) {
            client.request(1, "volume_size_info", waiting.call("wait"), "torture");
            waiting.awaitReady();
            client.send(new Frame.Ping(4711));
            assertThat(client.next()).isEqualTo(new Frame.Pong(4711));
            waiting.go();
            assertThat(client.response().id()).isEqualTo(1);
        }
    }

    @Test
    void aCallThatIsCancelledGetsExactlyOneAnswer(Scratch scratch) {
        Waiting waiting = new Waiting(scratch);
        try (RawClient client = RawClient.greet(daemon.socket())) {
            client.request(1, "volume_size_info", waiting.call("hang"), "torture");
            waiting.awaitReady();
            client.send(new Frame.Cancel(1));
            Frame.Failure failure = client.failure();
            assertThat(failure.id()).isEqualTo(1);
            assertThat(failure.error().errorCode()).isEqualTo(ErrorCode.CANCELLED);
            assertThat(failure.error().outcome()).isEqualTo(Outcome.UNKNOWN);
            assertThat(failure.error().message())
                    .isEqualTo("volume_size_info was cancelled by its caller; whether it took effect is not known");
            client.send(new Frame.Cancel(1));
            client.send(new Frame.Cancel(999));
            // The process is a new one by the time this is answered, so the old call has come to its end too.
            answersPlain(client, scratch);
            client.send(new Frame.Ping(1));
            assertThat(client.next()).isEqualTo(new Frame.Pong(1));
            assertThat(client.rest()).isEmpty();
        }
    }

    @Test
    void aCallThatIsCancelledWhenItIsDoneHasBeenAnswered(Scratch scratch) {
        try (RawClient client = RawClient.greet(daemon.socket())) {
            answersPlain(client, scratch);
            client.send(new Frame.Cancel(77));
            client.send(new Frame.Ping(1));
            assertThat(client.next()).isEqualTo(new Frame.Pong(1));
        }
    }

    @Test
    void aCallWhoseTimeIsOverIsToldSo(Scratch scratch) {
        Waiting waiting = new Waiting(scratch);
        try (RawClient client = RawClient.greet(daemon.socket())) {
            client.request(1, "volume_size_info", waiting.call("hang"), "torture", Duration.ofMillis(700));
            Frame.Failure failure = client.failure();
            assertThat(failure.id()).isEqualTo(1);
            assertThat(failure.error().errorCode()).isEqualTo(ErrorCode.DEADLINE_EXCEEDED);
            assertThat(failure.error().outcome()).isEqualTo(Outcome.UNKNOWN);
            assertThat(failure.error().message())
                    .isEqualTo("volume_size_info took longer than 700 ms; whether it took effect is not known");
            answersPlain(client, scratch);
        }
    }

    @Test
    void aTimeBeyondAllClocksIsALongOne(Scratch scratch) {
        try (RawClient client = RawClient.greet(daemon.socket())) {
            for (long millis : new long[] {9_223_372_036_854L, 9_223_372_036_855L, Long.MAX_VALUE}) {
                client.request(
                        1,
                        "volume_size_info",
                        new Waiting(scratch).call("plain"),
                        "torture",
                        Duration.ofMillis(millis));
                assertThat(client.response().id()).isEqualTo(1);
            }
            answersPlain(client, scratch);
        }
    }

    @Test
    void sixtyFourCallsAtOnceGetTheirOwnAnswersInAnyOrder() {
        try (RawClient client = RawClient.greet(daemon.socket())) {
            for (long id = 1; id <= 64; id++) {
                client.request(
                        id, "parse_volname", Map.of("volname", Value.ofText("100/vm-100-disk-" + id + ".raw")), "dir");
            }
            Map<Long, Value> names = new HashMap<>();
            for (int i = 0; i < 64; i++) {
                Frame.Response response = client.response();
                names.put(response.id(), ((Value.Fields) response.result()).get("name"));
            }
            assertThat(names)
                    .hasSize(64)
                    .allSatisfy((id, name) -> assertThat(name).isEqualTo(Value.ofText("vm-100-disk-" + id + ".raw")));
        }
    }

    @Test
    void aCallThatBlocksDoesNotHoldUpThoseBehindIt(Scratch scratch) throws IOException {
        Waiting waiting = new Waiting(scratch);
        try (RawClient client = RawClient.greet(daemon.socket())) {
            client.request(1, "volume_size_info", waiting.call("wait"), "torture");
            waiting.awaitReady();
            for (long id = 2; id <= 64; id++) {
                client.request(id, "type", Map.of(), "dir");
            }
            for (int i = 2; i <= 64; i++) {
                assertThat(client.response().id()).isBetween(2L, 64L);
            }
            waiting.go();
            assertThat(client.response().id()).isEqualTo(1);
        }
    }

    @Test
    void tooManyCallsAtOnceAreRefusedAndTheOthersAnswered(Scratch scratch) throws IOException {
        Waiting waiting = new Waiting(scratch);
        try (RawClient client = RawClient.greet(daemon.socket())) {
            client.request(1, "volume_size_info", waiting.call("wait"), "torture");
            waiting.awaitReady();
            for (long id = 2; id <= 260; id++) {
                client.request(id, "volume_size_info", waiting.call("plain"), "torture");
            }
            for (int i = 257; i <= 260; i++) {
                Frame.Failure failure = client.failure();
                assertThat(failure.id()).isGreaterThan(256);
                assertThat(failure.error().errorCode()).isEqualTo(ErrorCode.TOO_MANY_CALLS);
                assertThat(failure.error().outcome()).isEqualTo(Outcome.NOT_STARTED);
            }
            waiting.go();
            for (int i = 1; i <= 256; i++) {
                assertThat(client.response().id()).isLessThanOrEqualTo(256);
            }
        }
    }

    @Test
    void aClientThatGoesAwayInTheMiddleOfACallLeavesTheDaemonHealthy(Scratch scratch) throws IOException {
        Waiting waiting = new Waiting(scratch);
        try (RawClient client = RawClient.greet(daemon.socket())) {
            client.request(1, "volume_size_info", waiting.call("wait"), "torture");
            waiting.awaitReady();
        }
        try (RawClient other = RawClient.greet(daemon.socket())) {
            waiting.go();
            answersPlain(other, scratch);
        }
        assertThat(daemon.log()).doesNotContain("event=defect");
    }

    @Test
    void callsInsideEachOtherEndAtADepthThatIsTold(Scratch scratch) {
        SidecarHost host = SidecarHost.start(scratch, Installation.plugin("TorturePlugin.pm"));
        long pid = host.process().pid();
        StorageException e = catchThrowableOfType(
                StorageException.class,
                () -> host.plugin().getSubdir(host.storage("endless", "1"), ContentType.IMAGES));
        assertThat(e.error()).isEqualTo(StorageError.TOO_MANY_CALLS);
        assertThat(e).hasMessageContaining("calls are nested deeper than 16");
        assertThat(host.plugin().getSubdir(host.storage(), ContentType.IMAGES))
                .isEqualTo(scratch.storage() + "/images");
        assertThat(host.process().pid()).isEqualTo(pid);
    }
}

package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.HangingMount;
import dev.tenon.it.support.Images;
import dev.tenon.it.support.RawClient;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Frame;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A storage on a mount that never answers. */
class HangingStorageTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int INSIDE = 32;

    private static Map<String, Value> of(Path path, String storage) {
        Value.Fields section = Value.fields("type", Value.ofText("dir"), "path", Value.ofText(path.toString()));
        return Map.of("storeid", Value.ofText(storage), "scfg", section);
    }

    private static Map<String, Value> size(Path path, String storage) {
        Map<String, Value> call = new HashMap<>(of(path, storage));
        call.put("volname", Value.ofText("100/vm-100-disk-0.raw"));
        return call;
    }

    @Test
    void itHoldsUpNoOther(Scratch scratch) throws IOException {
        HangingMount hanging = HangingMount.make(scratch);
        DaemonProcess daemon = DaemonProcess.start(scratch);
        Images.raw(scratch.storage(), 100, "vm-100-disk-0.raw");
        try (RawClient stuck = RawClient.greet(daemon.socket());
                RawClient other = RawClient.greet(daemon.socket())) {
            for (int i = 0; i < 2 * INSIDE; i++) {
                stuck.request(3L * i + 1, "list_images", of(hanging.path(), "hung"), "dir");
                stuck.request(3L * i + 2, "volume_size_info", size(hanging.path(), "hung"), "dir");
                stuck.request(3L * i + 3, "activate_storage", of(hanging.path(), "hung"), "dir");
            }
            other.request(1, "status", of(scratch.storage(), "healthy"), "dir");
            assertThat(((Value.Fields) other.response().result()).get("active")).isEqualTo(new Value.Bool(true));
            other.request(2, "list_images", of(scratch.storage(), "healthy"), "dir");
            assertThat(((Value.Seq) other.response().result()).items()).hasSize(1);
            stuck.request(999, "list_images", of(scratch.storage(), "healthy"), "dir");
            assertThat(stuck.response().id()).isEqualTo(999);
            stuck.send(new Frame.Ping(1));
            assertThat(stuck.next()).isEqualTo(new Frame.Pong(1));
            hanging.close();
        }
    }

    @Test
    void whoComesWhenItIsFullIsToldWhyAndItIsUsedAgainWhenItAnswers(Scratch scratch) throws IOException {
        HangingMount hanging = HangingMount.make(scratch);
        DaemonProcess daemon = DaemonProcess.start(scratch);
        Map<String, Value> call = size(hanging.path(), "hung");
        try (RawClient client = RawClient.greet(daemon.socket())) {
            for (int i = 1; i <= INSIDE + 1; i++) {
                client.request(i, "volume_size_info", call, "dir", Duration.ofMillis(700));
            }
            List<Frame.Failure> failures = new ArrayList<>();
            for (int i = 1; i <= INSIDE + 1; i++) {
                failures.add(client.failure());
            }
            assertThat(failures)
                    .filteredOn(failure -> failure.error().errorCode() == ErrorCode.DEADLINE_EXCEEDED)
                    .hasSize(INSIDE)
                    .allSatisfy(failure -> assertThat(failure.error().outcome()).isEqualTo(Outcome.UNKNOWN));
            assertThat(failures)
                    .filteredOn(failure -> failure.error().errorCode() == ErrorCode.STORAGE_BUSY)
                    .singleElement()
                    .satisfies(failure -> {
                        assertThat(failure.error().outcome()).isEqualTo(Outcome.NOT_STARTED);
                        assertThat(failure.error().message())
                                .startsWith("volume_size_info was not started and took longer than 700 ms: " + INSIDE
                                        + " calls are inside the storage 'hung', ");
                    });

            client.request(100, "volume_size_info", call, "dir");
            assertThat(client.failure().error().message())
                    .matches("volume_size_info was not started: " + INSIDE + " calls are inside the storage 'hung', "
                            + INSIDE + " of them beyond their time, and the oldest for [0-9]+ s");

            hanging.close();
            Awaitility.await().atMost(PATIENCE).untilAsserted(() -> {
                client.request(101, "status", of(hanging.path(), "hung"), "dir");
                assertThat(client.next()).isInstanceOf(Frame.Response.class);
            });
        }
    }

    @Test
    void commandsPrintTheOthersAndSayThatItDoesNotAnswer(Scratch scratch) throws IOException {
        HangingMount hanging = HangingMount.make(scratch);
        Images.raw(scratch.storage(), 100, "vm-100-disk-0.raw");
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        tenon.write(
                "dir: hung\n\tpath " + hanging.path() + "\n\tcontent images\n\n" + Files.readString(tenon.config()));

        TenonCommand status = tenon.run("storage", "status", "--limit", "1");
        assertThat(status.status()).as(status.errors()).isZero();
        assertThat(status.said()).containsPattern("hung +dir +inactive").containsPattern("fast +dir +active");
        assertThat(status.errors())
                .contains("tenon: storage 'hung' is inactive: storage 'hung' has not answered within 1 s");

        TenonCommand list = tenon.run("volume", "list", "--limit", "1");
        assertThat(list.status()).isOne();
        assertThat(list.said()).contains("fast:100/vm-100-disk-0.raw");
        assertThat(list.errors())
                .contains("tenon: storage 'hung' cannot be listed: storage 'hung' has not answered within 1 s")
                .contains("the list lacks the volumes of hung");
    }
}

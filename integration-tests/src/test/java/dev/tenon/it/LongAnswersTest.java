package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.RawClient;
import dev.tenon.it.support.Requests;
import dev.tenon.it.support.Scratch;
import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import dev.tenon.proto.Value;
import java.io.ByteArrayOutputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** A long list crosses in pieces, from the plugin to the daemon and on to the host, where both sides know them. */
@TestInstance(Lifecycle.PER_CLASS)
class LongAnswersTest {
    private static final int VOLUMES = 9000;
    private static final int PIECE_BYTES = 1 << 18;

    private final DaemonProcess daemon;

    LongAnswersTest(Scratch scratch) {
        daemon = DaemonProcess.start(scratch, Installation.plugin("ManyPlugin.pm"));
    }

    private static void list(RawClient client, Scratch scratch) {
        client.request(
                1,
                "list_images",
                Map.of(
                        "scfg",
                        Requests.section(scratch, "many", "many", Integer.toString(VOLUMES)),
                        "storeid",
                        Value.ofText("nas")),
                "many");
    }

    private static void assertIsWhole(Frame answer) {
        assertThat(answer).isInstanceOfSatisfying(Frame.Response.class, response -> {
            assertThat(response.id()).isOne();
            assertThat(response.result())
                    .isInstanceOfSatisfying(
                            Value.Seq.class,
                            list -> assertThat(list.items())
                                    .hasSize(VOLUMES)
                                    .last()
                                    .isInstanceOfSatisfying(
                                            Value.Fields.class,
                                            last -> assertThat(last.get("volid"))
                                                    .isEqualTo(
                                                            Value.ofText("nas:100/vm-100-disk-" + VOLUMES + ".raw"))));
        });
    }

    @Test
    void aHostGetsTheListAsThePluginMadeIt(Scratch scratch) {
        PerlCaller caller = PerlCaller.startAt(daemon.socket(), scratch).calling("many");
        Map<String, Object> section = Map.of(
                "type",
                "many",
                "path",
                scratch.storage().toString(),
                "content",
                Map.of("images", "1"),
                "many",
                Integer.toString(VOLUMES));
        assertThat(caller.scalar("list_images", "nas", section, null, null, Map.of())
                        .value())
                .isEqualTo(IntStream.rangeClosed(1, VOLUMES)
                        .mapToObj(number -> Map.of(
                                "volid",
                                "nas:100/vm-100-disk-" + number + ".raw",
                                "format",
                                "raw",
                                "size",
                                Integer.toString(number),
                                "vmid",
                                "100"))
                        .toList());
    }

    @Test
    void aPeerThatAsksForPiecesGetsThem(Scratch scratch) {
        try (RawClient client = RawClient.connect(daemon.socket())) {
            Map<String, Value> facts =
                    new LinkedHashMap<>(RawClient.hello(1).facts().entries());
            facts.put("pieces", new Value.Bool(true));
            client.send(new Frame.Hello(new Value.Fields(facts)));
            assertThat(client.next())
                    .isInstanceOfSatisfying(
                            Frame.Hello.class,
                            hello -> assertThat(hello.facts().get("pieces")).isEqualTo(new Value.Bool(true)));
            list(client, scratch);
            ByteArrayOutputStream payload = new ByteArrayOutputStream();
            long left = Long.MAX_VALUE;
            while (left > 0) {
                Frame frame = client.next();
                if (!(frame instanceof Frame.Piece piece)) {
                    throw new AssertionError("no piece but " + frame);
                }
                assertThat(piece.bytes().bytes()).hasSizeLessThanOrEqualTo(PIECE_BYTES);
                payload.writeBytes(piece.bytes().bytes());
                left = piece.left();
            }
            assertThat(payload.size()).isGreaterThan(2 * PIECE_BYTES);
            assertIsWhole(new FrameCodec(Limits.DEFAULT).decode(payload.toByteArray()));
        }
    }

    @Test
    void aPeerOfTheFirstBuildGetsOneFrame(Scratch scratch) {
        try (RawClient client = RawClient.greet(daemon.socket())) {
            list(client, scratch);
            assertIsWhole(client.response());
        }
    }
}

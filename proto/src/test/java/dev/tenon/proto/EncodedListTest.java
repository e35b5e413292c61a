package dev.tenon.proto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.Value.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A long list of an answer is kept as it came, and is the same list all the same. */
class EncodedListTest {
    private static final Method LIST = Api.named("storage-plugin").method("list_images");
    private static final int COUNT = 3000;

    private final FrameCodec codec = new FrameCodec(Limits.DEFAULT);
    private final List<Value> volumes = volumes("images/ä-");

    private static List<Value> volumes(String name) {
        List<Value> volumes = new ArrayList<>();
        for (int i = 0; i < COUNT; i++) {
            volumes.add(new Fields(Map.of(
                    "volid", new Text("nas:" + name + i),
                    "format", new Text("raw"),
                    "size", new Value.Int(i * 0x1234567L),
                    "used", Value.Nil.NIL,
                    "lun", new Fields(Map.of("id", new Text("7"))))));
        }
        return volumes;
    }

    private byte[] payload(Value result) {
        byte[] frame = codec.encode(new Frame.Response(7, result));
        return Arrays.copyOfRange(frame, FrameCodec.LENGTH_BYTES, frame.length);
    }

    private Seq answer(byte[] payload) {
        return (Seq) ((Frame.Response) codec.decode(payload)).result();
    }

    @Test
    void itsElementsAreThoseThatWereWritten() {
        Seq answer = answer(payload(new Seq(volumes)));

        assertThat(answer.items())
                .isInstanceOf(EncodedList.class)
                .hasSize(COUNT)
                .isEqualTo(volumes);
        assertThat(answer.items().get(17)).isEqualTo(volumes.get(17));
        assertThat(answer).isEqualTo(new Seq(volumes));
    }

    @Test
    void itIsPassedOnToTheByte() {
        byte[] payload = payload(new Seq(volumes));

        assertThat(payload(answer(payload))).isEqualTo(payload);
    }

    @Test
    void itIsPassedOnInsideAnotherValueToo() {
        Seq answer = answer(payload(new Seq(volumes)));

        byte[] deeper = payload(Value.fields("result", answer, "changed", Value.fields()));

        assertThat(((Frame.Response) codec.decode(deeper)).result())
                .isEqualTo(Value.fields("result", new Seq(volumes), "changed", Value.fields()));
    }

    @Test
    void itIsCheckedLikeAnyOther() {
        LIST.checkResult(answer(payload(new Seq(volumes))));
        List<Value> bad = new ArrayList<>(volumes);
        bad.set(2000, new Fields(Map.of("volid", new Text("nas:x"), "format", new Value.Int(3))));

        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> LIST.checkResult(answer(payload(new Seq(bad)))))
                .withMessage("list_images: image 2000 of the result: 'format' must be text, got the integer 3");
    }

    @Test
    void brokenBytesInItAreRefusedWhenTheFrameIsReadAndNotLater() {
        byte[] payload = payload(new Seq(volumes));
        List<String> passed = new ArrayList<>();
        for (int at = 20; at < payload.length; at += payload.length / 500) {
            for (int octet : new int[] {0xc1, 0xd4, 0xdf, 0xff}) {
                byte[] broken = payload.clone();
                broken[at] = (byte) octet;
                try {
                    Frame.Response frame = (Frame.Response) codec.decode(broken);
                    if (frame.result() instanceof Seq(List<Value> items)) {
                        items.forEach(item -> assertThat(item).isNotNull());
                    }
                } catch (ProtocolException e) {
                    assertThat(e.getMessage()).doesNotContain("\n").hasSizeLessThan(200);
                } catch (RuntimeException e) {
                    passed.add(at + ": " + e);
                }
            }
        }

        assertThat(passed)
                .as("bytes that were taken for good and could not be read")
                .isEmpty();
    }
}

package dev.tenon.proto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.Value.Text;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** A long list of an answer is kept as it came, and is the same list all the same. */
class EncodedListTest {
    private static final Method LIST = Api.named("storage-plugin").method("list_images");
    private static final int COUNT = 3000;
    /** About the shortest that is still kept as it came. */
    private static final int SHORTEST = 1600;

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
    void theSameBytesAreSentWhetherInPiecesOrNot() {
        for (Value result : List.of(answer(payload(new Seq(volumes))), new Text("small"), Value.Nil.NIL)) {
            for (long id : new long[] {1, 200, 70_000}) {
                Frame frame = new Frame.Response(id, result);
                ByteBuffer joined = ByteBuffer.allocate(1 << 20);
                codec.buffers(frame).forEach(joined::put);

                assertThat(Arrays.copyOf(joined.array(), joined.position())).isEqualTo(codec.encode(frame));
            }
        }
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
    void itIsGoodWhereTheSameListReadIsGood() {
        for (Value odd : List.of(
                new Fields(Map.of("volid", new Text("nas:x"), "format", new Text("raw"))),
                new Fields(Map.of("volid", new Text("nas:x"))),
                new Fields(Map.of("volid", Value.Nil.NIL, "format", new Text("raw"))),
                new Fields(Map.of("volid", new Text("nas:x"), "format", new Text("raw"), "size", new Value.Int(-1))),
                new Fields(Map.of("volid", new Text("nas:x"), "format", new Text("raw"), "size", new Text("1"))),
                new Fields(Map.of(
                        "volid", new Text("nas:x"), "format", new Text("raw"), "vmid", new Value.Int(999_999_999))),
                new Fields(Map.of(
                        "volid", new Text("nas:x"), "format", new Text("raw"), "vmid", new Value.Int(1_000_000_000))),
                new Fields(Map.of("volid", new Text("nas:x"), "format", new Text("raw"), "lun", new Value.Bool(true))),
                new Fields(Map.of(
                        "volid", new Text("nas:x"), "format", new Text("raw"), "lun", new Seq(List.of(new Text("a"))))),
                new Fields(Map.of(
                        "volid",
                        new Text("nas:x"),
                        "format",
                        new Text("raw"),
                        "lun",
                        new Seq(List.of(new Value.Int(1))))),
                new Seq(List.of()),
                Value.Nil.NIL)) {
            List<Value> list = new ArrayList<>(volumes);
            list.set(1500, odd);

            assertThat(complaint(answer(payload(new Seq(list))))).as("%s", odd).isEqualTo(complaint(new Seq(list)));
        }
    }

    private static String complaint(Value answer) {
        try {
            LIST.checkResult(answer);
            return "none";
        } catch (ProtocolException e) {
            return e.getMessage();
        }
    }

    @Test
    void whatIsMadeOfBytesAtOnceIsTheSameList() {
        List<Value> odd = new ArrayList<>(volumes);
        odd.add(new Fields(Map.of(
                "volid", new Text("nas:" + "ä".repeat(200)),
                "size", new Value.Int(Long.MAX_VALUE),
                "used", new Value.Int(-5),
                "protected", new Value.Bool(true),
                "lun", new Seq(List.of(new Text("x".repeat(70_000)))))));
        ListWriter writer = new ListWriter();
        odd.forEach(volume -> writer.add(((Fields) volume).entries(), COUNT));

        Seq written = writer.finish();

        assertThat(written).isEqualTo(new Seq(odd));
        assertThat(answer(payload(written))).isEqualTo(new Seq(odd));
    }

    @Test
    void aRecordOfManyFieldsAndAListOfManyRecordsAreWrittenToo() {
        Map<String, Value> wide = new TreeMap<>();
        for (int i = 0; i < 20; i++) {
            wide.put("field" + i, new Value.Int(i));
        }
        ListWriter writer = new ListWriter();
        for (int i = 0; i < 70_000; i++) {
            writer.add(i == 0 ? wide : Map.of(), 0);
        }

        Seq came = answer(payload(writer.finish()));

        assertThat(came.items().size()).isEqualTo(70_000);
        assertThat(came.items().subList(0, 2)).containsExactly(new Fields(wide), Value.fields());
    }

    @Test
    void theTextOfItsElementsIsToldWhetherItIsReadOrNot() {
        List<Value> some = new ArrayList<>(volumes);
        some.set(7, Value.fields());
        some.set(8, new Text("no map"));
        for (String name : List.of("volid", "format", "size", "none")) {
            List<String> read = texts(new Seq(some), name);

            assertThat(texts(answer(payload(new Seq(some))), name))
                    .hasSize(COUNT)
                    .isEqualTo(read);
        }
    }

    @Test
    void textIsFoundBehindValuesOfEveryLength() {
        List<Value> before = new ArrayList<>(List.of(Value.Nil.NIL, new Value.Bool(true), new Value.Real(0.5)));
        for (long number : new long[] {1, 200, 70_000, 1L << 40, -1, -100, -1000, -70_000, -(1L << 40)}) {
            before.add(new Value.Int(number));
        }
        for (int count : new int[] {0, 5, 20, 300, 70_000}) {
            before.add(new Text("x".repeat(count)));
            before.add(new Seq(Collections.nCopies(count, new Text("one"))));
            Map<String, Value> entries = new TreeMap<>();
            for (int i = 0; i < count; i++) {
                entries.put("key" + i, new Seq(List.of(new Value.Int(i))));
            }
            before.add(new Fields(entries));
        }
        List<Value> records = new ArrayList<>();
        for (Value each : before) {
            Map<String, Value> entries = new LinkedHashMap<>();
            entries.put("before", each);
            entries.put("volid", new Text("nas:" + records.size()));
            records.add(new Fields(entries));
        }
        Seq answer = answer(payload(new Seq(records)));

        assertThat(answer.items()).isInstanceOf(EncodedList.class);
        assertThat(texts(answer, "volid")).isEqualTo(texts(new Seq(records), "volid"));
    }

    private static List<String> texts(Seq list, String name) {
        List<String> texts = new ArrayList<>();
        list.eachText(name, (number, text) -> {
            assertThat(number).isEqualTo(texts.size());
            texts.add(String.valueOf(text));
        });
        return texts;
    }

    @Test
    void aMapWithAKeyTwiceIsRefusedWhateverItsSize() {
        for (int others : new int[] {1, 30}) {
            Map<String, Value> wide = new TreeMap<>();
            for (int i = 0; i < others; i++) {
                wide.put("key" + (10 + i), Value.Nil.NIL);
            }
            wide.put("zzz1", Value.Nil.NIL);
            wide.put("zzz2", Value.Nil.NIL);
            List<Value> list = new ArrayList<>(volumes);
            list.add(new Fields(wide));
            byte[] payload = payload(new Seq(list));
            payload[payload.length - 2] = '1';

            assertThatExceptionOfType(ProtocolException.class)
                    .isThrownBy(() -> codec.decode(payload))
                    .withMessage("a map has the key 'zzz1' twice");
        }
    }

    @Test
    void anEmptyKeyIsTheSameHoweverItsLengthIsWritten() {
        Map<String, Value> two = new TreeMap<>(Map.of("", Value.Nil.NIL, "k", Value.Nil.NIL));
        List<Value> list = new ArrayList<>(volumes);
        list.add(new Fields(two));
        byte[] payload = payload(new Seq(list));
        // The key k becomes an empty one whose length has a byte of its own.
        payload[payload.length - 3] = (byte) 0xd9;
        payload[payload.length - 2] = 0;

        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> codec.decode(payload))
                .withMessage("a map has the key '' twice");
    }

    @Test
    void brokenBytesInItAreRefusedWhenTheFrameIsReadAndNotLater() {
        byte[] payload = payload(new Seq(volumes.subList(0, SHORTEST)));
        assertThat(answer(payload).items()).isInstanceOf(EncodedList.class);
        List<String> passed = new ArrayList<>();
        for (int at = 20; at < payload.length; at += payload.length / 250) {
            for (int octet : new int[] {0xc1, 0xd4, 0xdf, 0xff}) {
                byte[] broken = payload.clone();
                broken[at] = (byte) octet;
                try {
                    Frame.Response frame = (Frame.Response) codec.decode(broken);
                    if (frame.result() instanceof Seq(List<Value> items)) {
                        items.forEach(Objects::requireNonNull);
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

package dev.tenon.proto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FrameCodecTest {
    private final FrameCodec codec = new FrameCodec(Limits.DEFAULT);

    static Stream<WireVector> goodVectors() {
        return WireVector.all().stream().filter(vector -> vector.frame().isPresent());
    }

    static Stream<WireVector> badVectors() {
        return WireVector.all().stream().filter(vector -> vector.rejected().isPresent());
    }

    @Test
    void theVectorsOfTheFirstBuildAreAmongThemUnchanged() {
        assertThat(WireVector.frozen()).hasSize(35);
        assertThat(WireVector.all()).containsAll(WireVector.frozen());
    }

    @ParameterizedTest
    @MethodSource("goodVectors")
    void readsAndWritesTheVectorToTheByte(WireVector vector) {
        byte[] bytes = vector.bytes();

        Frame frame = codec.decode(payload(bytes));

        assertThat(FrameValues.toValue(frame)).isEqualTo(vector.frame().orElseThrow());
        assertThat(HexFormat.of().formatHex(codec.encode(frame))).isEqualTo(vector.hex());
    }

    @ParameterizedTest
    @MethodSource("badVectors")
    void refusesTheVector(WireVector vector) {
        byte[] bytes = vector.bytes();
        long length = Integer.toUnsignedLong(HexFormat.fromHexDigits(vector.hex(), 0, 8));

        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> {
                    codec.checkLength(length);
                    codec.decode(payload(bytes));
                })
                .satisfies(e -> {
                    assertThat(e.code()).isEqualTo(vector.rejected().orElseThrow());
                    assertThat(e.getMessage()).doesNotContain("\n").hasSizeLessThan(200);
                });
    }

    @Test
    void refusesEveryPrefixOfEveryVector() {
        goodVectors().forEach(vector -> {
            byte[] whole = payload(vector.bytes());
            for (int length = 1; length < whole.length; length++) {
                byte[] prefix = Arrays.copyOf(whole, length);
                assertThatExceptionOfType(ProtocolException.class).isThrownBy(() -> codec.decode(prefix));
            }
        });
    }

    @Test
    void refusesOrReadsRandomBytesWithoutAnyOtherFailure() {
        Random random = new Random(20260101);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[1 + random.nextInt(60)];
            random.nextBytes(bytes);
            bytes[0] = (byte) (0x90 | random.nextInt(16));
            try {
                codec.decode(bytes);
            } catch (ProtocolException expected) {
                assertThat(expected.getMessage()).isNotBlank();
            }
        }
    }

    @Test
    void refusesToWriteAFrameLongerThanTheLimit() {
        Value big = new Value.Text("x".repeat(Limits.DEFAULT.frameBytes()));

        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> codec.encode(new Frame.Response(1, big)))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.FRAME_TOO_LONG));
    }

    @Test
    void refusesToWriteValuesNestedTooDeep() {
        Value value = Value.Nil.NIL;
        for (int i = 0; i < Limits.DEFAULT.depth(); i++) {
            value = new Value.Seq(List.of(value));
        }
        Value deep = value;

        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> codec.encode(new Frame.Response(1, deep)))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.TOO_DEEP));
    }

    @Test
    void refusesTextLongerThanTheLimitBothWays() {
        Frame frame = new Frame.Response(1, new Value.Text("x".repeat(Limits.DEFAULT.textBytes() + 1)));
        Limits wider = new Limits(Limits.DEFAULT.frameBytes(), 16, Limits.DEFAULT.textBytes() * 2, 16, 1, 1);
        byte[] bytes = new FrameCodec(wider).encode(frame);

        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> codec.encode(frame))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.FRAME_TOO_LONG));
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> codec.decode(payload(bytes)))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.FRAME_TOO_LONG));
    }

    @Test
    void writesWhatItReadsAtTheDeepestLevel() {
        Value value = Value.Nil.NIL;
        for (int i = 1; i < Limits.DEFAULT.depth(); i++) {
            value = new Value.Seq(List.of(value));
        }
        Frame frame = new Frame.Response(1, value);

        assertThat(codec.decode(payload(codec.encode(frame)))).isEqualTo(frame);
    }

    @Test
    void refusesAnIntegerOf64UnsignedBits() {
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> codec.decode(HexFormat.of().parseHex("930301cfffffffffffffffff")))
                .withMessage("the integer 18446744073709551615 is larger than 2^63-1, the largest allowed");
    }

    @Test
    void refusesAMapWithAKeyTwice() {
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> codec.decode(HexFormat.of().parseHex("93030182a16101a16102")))
                .withMessage("a map has the key 'a' twice");
    }

    @Test
    void readsAFractionAndWritesItBack() {
        Frame frame = new Frame.Response(1, new Value.Real(1.5));

        assertThat(codec.decode(payload(codec.encode(frame)))).isEqualTo(frame);
    }

    @Test
    void treatsAnOutcomeItDoesNotKnowAsUnknown() {
        Value.Fields error = new Value.Fields(Map.of(
                "code",
                new Value.Int(0x0100_0001),
                "message",
                new Value.Text("new"),
                "outcome",
                new Value.Text("LATER")));
        byte[] frame = codec.encode(new Frame.Notify("x", error));
        byte[] payload = payload(frame);
        // The same map as the body of a failure: kind 5 becomes kind 4, the name an id.
        byte[] failure = new byte[payload.length - 1];
        failure[0] = payload[0];
        failure[1] = 4;
        failure[2] = 9;
        System.arraycopy(payload, 4, failure, 3, payload.length - 4);

        assertThat(codec.decode(failure)).isInstanceOfSatisfying(Frame.Failure.class, read -> {
            assertThat(read.error().outcome()).isEqualTo(Outcome.UNKNOWN);
            assertThat(read.error().errorCode()).isEqualTo(ErrorCode.INTERNAL);
            assertThat(read.error().code()).isEqualTo(0x0100_0001);
        });
    }

    private static byte[] payload(byte[] frame) {
        return Arrays.copyOfRange(frame, FrameCodec.LENGTH_BYTES, frame.length);
    }
}

package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DataFlowTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 7, 63, 64, 65, 127, 128, 129, 1000, 4096})
    void oneByteAnywhereIsNotZero(int size) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(size);
        assertThat(DataFlow.isZero(buffer)).isTrue();
        for (int i = 0; i < size; i++) {
            buffer.put(i, (byte) 0x80);
            assertThat(DataFlow.isZero(buffer)).as("byte %d of %d", i, size).isFalse();
            buffer.put(i, (byte) 0);
        }
    }

    @Test
    void onlyTheRestOfABufferCounts() {
        ByteBuffer buffer = ByteBuffer.allocateDirect(300).put(0, (byte) 1).put(299, (byte) 1);

        assertThat(DataFlow.isZero(buffer.slice(1, 298))).isTrue();
        assertThat(DataFlow.isZero(buffer.duplicate().position(1).limit(299))).isTrue();
        assertThat(DataFlow.isZero(buffer.slice(1, 299))).isFalse();
        assertThat(DataFlow.isZero(buffer.slice(0, 0))).isTrue();
    }

    /** What repeats itself is as much like what comes before it as zeroes are. */
    @Test
    void aPatternThatRepeatsIsNotZero() {
        ByteBuffer buffer = ByteBuffer.allocateDirect(64 << 10);
        while (buffer.hasRemaining()) {
            buffer.putLong(0x0102_0304_0506_0708L);
        }

        assertThat(DataFlow.isZero(buffer.flip())).isFalse();
    }
}

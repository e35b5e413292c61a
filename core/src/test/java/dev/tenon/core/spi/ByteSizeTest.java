package dev.tenon.core.spi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ByteSizeTest {
    @Test
    void sizesAreShownWithTwoDecimalsAndNeverAs1024OfAUnit() {
        assertThat(ByteSize.ofBytes(0).shown()).isEqualTo("0 B");
        assertThat(ByteSize.ofBytes(1023).shown()).isEqualTo("1023 B");
        assertThat(ByteSize.ofBytes(1024).shown()).isEqualTo("1.00 KiB");
        assertThat(ByteSize.ofBytes(3L << 29).shown()).isEqualTo("1.50 GiB");
        assertThat(ByteSize.ofBytes((1L << 20) - 1).shown()).isEqualTo("1.00 MiB");
        assertThat(ByteSize.ofBytes((1L << 20) - 20).shown()).isEqualTo("1023.98 KiB");
        assertThat(ByteSize.ofBytes(Long.MAX_VALUE).shown()).isEqualTo("8.00 EiB");
    }
}

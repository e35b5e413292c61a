package dev.tenon.cli.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.ByteSize;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SizesTest {
    @Test
    void sizesWithUnitsAreReadToTheByte() {
        Map<String, Long> sizes = Map.ofEntries(
                Map.entry("0B", 0L),
                Map.entry("512B", 512L),
                Map.entry("100K", 100L << 10),
                Map.entry("512m", 512L << 20),
                Map.entry("4G", 4L << 30),
                Map.entry("4 GiB", 4L << 30),
                Map.entry("1 G", 1L << 30),
                Map.entry("1.5T", 3L << 39),
                Map.entry("0.001K", -1L),
                Map.entry("8191P", 8191L << 50),
                Map.entry("8192P", -1L));
        sizes.forEach((text, bytes) -> {
            if (bytes < 0) {
                assertThatThrownBy(() -> Sizes.parse(text)).hasMessageContaining("size '" + text + "'");
            } else {
                assertThat(Sizes.parse(text)).as(text).isEqualTo(ByteSize.ofBytes(bytes));
            }
        });
    }

    @Test
    void doubtfulSizesAreRefusedWithWhatToWrite() {
        assertThatThrownBy(() -> Sizes.parse("4096"))
                .hasMessage("size '4096' has no unit; write 4096B for bytes, 4096K for KiB, or M, G, T, P");
        assertThatThrownBy(() -> Sizes.parse("4GB"))
                .hasMessage("size '4GB' has the unit 'GB', which is doubtful; write 4G for powers of 1024");
        for (String text : new String[] {
            "", "G", "-4G", "+4G", "4X", "4iB", "4BiB", "1e3K", "4G\n", "٤G", "4,5G", "1  G", "1\tG", "1\nG", " 1G",
            "1G "
        }) {
            assertThatThrownBy(() -> Sizes.parse(text))
                    .as(text)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("size '");
        }
    }
}

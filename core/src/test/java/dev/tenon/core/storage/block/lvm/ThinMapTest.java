package dev.tenon.core.storage.block.lvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.StreamSource.Extent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ThinMapTest {
    private static final long BLOCK = 64 << 10;

    /** As thin_dump 0.9.0 prints it. */
    private static String dump(int mapped, String mappings) {
        return """
                <superblock uuid="" time="1" transaction="3" flags="0" version="2" data_block_size="128" nr_data_blocks="8192">
                  <device dev_id="1" mapped_blocks="%d" transaction="0" creation_time="0" snap_time="1">
                %s  </device>
                </superblock>
                """.formatted(mapped, mappings);
    }

    private static String range(int begin, int length) {
        return "    <range_mapping origin_begin=\"" + begin + "\" data_begin=\"7\" length=\"" + length
                + "\" time=\"0\"/>\n";
    }

    private static String single(int block) {
        return "    <single_mapping origin_block=\"" + block + "\" data_block=\"3\" time=\"1\"/>\n";
    }

    @Test
    void rangesAndSingleBlocksAreExtentsAndThoseThatTouchAreOne() {
        String dump = dump(6, range(0, 2) + single(2) + single(9) + range(20, 2));
        assertThat(ThinMap.parse(dump, 100 * BLOCK))
                .hasValueSatisfying(extents -> assertThat(extents)
                        .containsExactly(
                                new Extent(0, 3 * BLOCK),
                                new Extent(9 * BLOCK, BLOCK),
                                new Extent(20 * BLOCK, 2 * BLOCK)));
    }

    @Test
    void aVolumeMayEndInItsLastBlock() {
        assertThat(ThinMap.parse(dump(1, single(1)), BLOCK + 512))
                .hasValueSatisfying(extents -> assertThat(extents).containsExactly(new Extent(BLOCK, 512)));
    }

    @Test
    void whatWasNeverWrittenHasNoExtents() {
        assertThat(ThinMap.parse(dump(0, ""), BLOCK))
                .hasValueSatisfying(extents -> assertThat(extents).isEmpty());
    }

    /** Data that is taken for zeroes would be lost. */
    @ParameterizedTest
    @ValueSource(strings = {"", "<superblock data_block_size=\"128\">", "metadata contains errors"})
    void whatIsNoDumpTellsNothing(String dump) {
        assertThat(ThinMap.parse(dump, BLOCK)).isEmpty();
    }

    @Test
    void aDumpThatLacksSomethingTellsNothing() {
        assertThat(ThinMap.parse(dump(3, range(0, 2)), 9 * BLOCK)).isEmpty();
        assertThat(ThinMap.parse(dump(2, single(0) + "    <ref name=\"1\"/>\n"), 9 * BLOCK))
                .isEmpty();
        assertThat(ThinMap.parse(dump(1, single(0)).replace("</superblock>", ""), 9 * BLOCK))
                .isEmpty();
        assertThat(ThinMap.parse(dump(2, single(4) + single(1)), 9 * BLOCK)).isEmpty();
    }
}

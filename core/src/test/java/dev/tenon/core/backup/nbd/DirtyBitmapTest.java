package dev.tenon.core.backup.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import org.junit.jupiter.api.Test;

class DirtyBitmapTest {
    private static final int KIB = 1024;

    private static DirtyBitmap of(long size, int... dirty) {
        BitSet bits = new BitSet();
        for (int bit : dirty) {
            bits.set(bit);
        }
        return new DirtyBitmap(size, 64 * KIB, bits);
    }

    @Test
    void whatADiskHasBehindTheEndOfItsBitmapIsDirty() {
        assertThat(of(100 * KIB, 0).extents(0, 1000 * KIB, 10))
                .containsExactly(
                        new Extent(0, 64 * KIB, Extent.DIRTY),
                        new Extent(64 * KIB, 36 * KIB, 0),
                        new Extent(100 * KIB, 900 * KIB, Extent.DIRTY));
        assertThat(of(100 * KIB).extents(200 * KIB, 512, 1)).containsExactly(new Extent(200 * KIB, 512, Extent.DIRTY));
    }

    @Test
    void aBitForMoreThanTheDiskIsRefused() {
        assertThatThrownBy(() -> of(100 * KIB, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("block 2 is marked on a disk of 2 blocks");
    }
}

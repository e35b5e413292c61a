package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FastCdcTest {
    private static List<Integer> cuts(FastCdc chunker, byte[] bytes) {
        List<Integer> lengths = new ArrayList<>();
        for (int at = 0; at < bytes.length; at += lengths.getLast()) {
            lengths.add(chunker.cut(bytes, at, bytes.length - at));
        }
        return lengths;
    }

    /**
     * The picture, in the public domain, and its cuts are the vectors of the FastCDC in the Remote Execution API and of the
     * crate fastcdc.
     */
    @ParameterizedTest
    @CsvSource({
        "4096, 65535, 2, 19186 19279 17354 16387 19940 17320",
        "4096, 65535, 0, 6634 59915 25597 5237 12083",
        "4096, 65535, 1, 21325 17140 28084 18217 24700",
        "8192, 32768, 3, 17350 19911 17426 17519 19940 17320"
    })
    void cutsAreThePublishedOnes(int least, int most, int level, String lengths) throws IOException {
        byte[] picture;
        try (InputStream in = Objects.requireNonNull(getClass().getResourceAsStream("SekienAkashita.jpg"))) {
            picture = in.readAllBytes();
        }
        assertThat(ChunkId.of(picture, picture.length))
                .hasToString("d9e749d9367fc908876749d6502eb212fee88c9a94892fb07da5ef3ba8bc39ed");

        assertThat(cuts(new FastCdc(least, 16384, most, level), picture))
                .isEqualTo(
                        Arrays.stream(lengths.split(" ")).map(Integer::valueOf).toList());
    }

    @Test
    void zeroesAreCutAsLateAsPossible() {
        assertThat(cuts(new FastCdc(64, 256, 1024, 1), new byte[10240]))
                .hasSize(10)
                .containsOnly(1024);
    }

    @Test
    void aByteMoreChangesOneOrTwoPieces() {
        byte[] bytes = new byte[24 << 20];
        new Random(1).nextBytes(bytes);
        byte[] longer = new byte[bytes.length + 1];
        System.arraycopy(bytes, 0, longer, 0, 5 << 20);
        System.arraycopy(bytes, 5 << 20, longer, (5 << 20) + 1, bytes.length - (5 << 20));

        Set<ChunkId> before = pieces(bytes);
        Set<ChunkId> after = pieces(longer);

        assertThat(before.size()).as("pieces of about 1 MiB").isBetween(14, 40);
        after.removeAll(before);
        assertThat(after.size()).isBetween(1, 3);
    }

    private static Set<ChunkId> pieces(byte[] bytes) {
        Set<ChunkId> ids = new HashSet<>();
        int at = 0;
        for (int length : cuts(FastCdc.OF_FILES, bytes)) {
            ids.add(ChunkId.of(bytes, at, length));
            at += length;
        }
        return ids;
    }
}

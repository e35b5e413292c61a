package dev.tenon.core.stream;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ProgressLineTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void tellsHowMuchHowFastAndHowLongItWillTake() {
        ProgressLine line = new ProgressLine(0);
        assertThat(line.next(3L << 29, 32L << 30, 3 * SECOND))
                .contains("transferred 1.50 GiB of 32.00 GiB (4.69 %), 512.00 MiB/s, 1:01 left");
        assertThat(line.next(2L << 30, 32L << 30, 4 * SECOND))
                .contains("transferred 2.00 GiB of 32.00 GiB (6.25 %), 512.00 MiB/s, 1:00 left");
    }

    @Test
    void tellsLessWhereLessIsKnown() {
        ProgressLine line = new ProgressLine(0);
        assertThat(line.next(1000, 0, SECOND)).contains("transferred 1000 B, 1000 B/s");
        assertThat(line.next(1000, 2000, 2 * SECOND)).contains("transferred 1000 B of 1.95 KiB (50.00 %), 0 B/s");
    }

    @Test
    void saysNothingWhileNothingHasCome() {
        ProgressLine line = new ProgressLine(0);

        assertThat(line.next(0, 0, 3 * SECOND)).isEmpty();
        assertThat(line.next(0, 1000, 6 * SECOND)).isEmpty();
        assertThat(line.next(500, 1000, 7 * SECOND))
                .contains("transferred 500 B of 1000 B (50.00 %), 500 B/s, 0:01 left");
    }
}

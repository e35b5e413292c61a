package dev.tenon.cli.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private static final long MIB = 1L << 20;

    private final StringWriter text = new StringWriter();
    private final AtomicLong now = new AtomicLong();

    private Progress progress(Terminal terminal) {
        return new Progress(new PrintWriter(text), terminal, "copying x", now::get);
    }

    private void pass(Duration time) {
        now.addAndGet(time.toNanos());
    }

    @Test
    void aLogGetsALineEveryFewSeconds() {
        try (Progress progress = progress(new Terminal(false, Integer.MAX_VALUE, false))) {
            for (int second = 1; second <= 12; second++) {
                pass(Duration.ofSeconds(1));
                progress.reached(second * (10 * MIB), 240 * MIB);
            }
        }
        assertThat(text.toString().lines())
                .containsExactly(
                        "copying x:  20 %  50.00 MiB of 240.00 MiB  10.00 MiB/s  0:19 left",
                        "copying x:  41 %  100.00 MiB of 240.00 MiB  10.00 MiB/s  0:14 left");
    }

    @Test
    void whatIsNoBytesIsToldInWords() {
        try (Progress progress = progress(new Terminal(false, Integer.MAX_VALUE, false))) {
            progress.at("the first");
            pass(Duration.ofSeconds(5));
            progress.at("2 done, now: a\nb");
            progress.at("3 done");
        }
        assertThat(text.toString().lines()).hasSize(1).first().asString().startsWith("copying x: 2 done, now: a");
        text.getBuffer().setLength(0);

        try (Progress progress = progress(new Terminal(true, 30, false))) {
            pass(Duration.ofSeconds(1));
            progress.at("2 done, now: something with a long name");
        }
        assertThat(text.toString().split("\r", -1)[1])
                .startsWith("copying x 2 done, now:")
                .hasSizeLessThan(36);
        assertThat(text.toString()).endsWith("\r\u001b[K");
    }

    @Test
    void shortWorkSaysNothingInALog() {
        try (Progress progress = progress(new Terminal(false, Integer.MAX_VALUE, false))) {
            pass(Duration.ofMillis(4900));
            progress.reached(MIB, MIB);
        }
        assertThat(text.toString()).isEmpty();
    }

    @Test
    void aTerminalGetsOneLineThatIsRedrawnAndGoesAway() {
        try (Progress progress = progress(new Terminal(true, 100, false))) {
            pass(Duration.ofSeconds(1));
            progress.reached(MIB, 4 * MIB);
            progress.reached(2 * MIB, 4 * MIB);
            pass(Duration.ofSeconds(1));
            progress.reached(4 * MIB, 4 * MIB);
        }
        assertThat(text.toString().split("\r", -1))
                .containsExactly(
                        "",
                        "copying x [#######-----------------------]  25 %  1.00 MiB of 4.00 MiB  1.00 MiB/s  0:03"
                                + " left\u001b[K",
                        "copying x [##############################] 100 %  4.00 MiB of 4.00 MiB  2.00 MiB/s\u001b[K",
                        "\u001b[K");
    }

    @Test
    void aLineNeverLeavesItsTerminal() {
        try (Progress progress = progress(new Terminal(true, 30, false))) {
            pass(Duration.ofSeconds(1));
            progress.reached(MIB, 4 * MIB);
        }
        assertThat(text.toString().split("[\r\u001b]", -1))
                .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(30));
    }

    @Test
    void theRateIsThatOfTheLastSeconds() {
        try (Progress progress = progress(new Terminal(false, Integer.MAX_VALUE, false))) {
            for (int tenths = 1; tenths <= 1000; tenths++) {
                pass(Duration.ofMillis(100));
                progress.reached(tenths <= 500 ? tenths * MIB : 500 * MIB + (tenths - 500) * (10 * MIB), 0);
            }
        }
        assertThat(text.toString().lines().toList().getLast()).isEqualTo("copying x: 5.37 GiB  100.00 MiB/s");
    }
}

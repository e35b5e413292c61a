package dev.tenon.bridge.perl;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LineCutterTest {
    private final List<String> lines = new ArrayList<>();
    private final LineCutter cutter = new LineCutter(lines::add);

    private void take(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        cutter.take(bytes, bytes.length);
    }

    @Test
    void aLineIsWholeHoweverItComes() {
        take("on");
        take("e\ntwo\n\nthr");
        assertThat(lines).containsExactly("one", "two", "");
        cutter.end();
        assertThat(lines).containsExactly("one", "two", "", "thr");
        cutter.end();
        assertThat(lines).hasSize(4);
    }

    @Test
    void whatALineHasBeyondTheBoundIsCountedAndTheNextIsWhole() {
        take("x".repeat(LineCutter.LONGEST - 1));
        take("yzz");
        take("zz\nnext\n");
        assertThat(lines).hasSize(2).last().isEqualTo("next");
        assertThat(lines.getFirst()).endsWith("xy ... (4 bytes more)").hasSize(LineCutter.LONGEST + 19);
    }
}

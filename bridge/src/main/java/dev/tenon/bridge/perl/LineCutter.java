package dev.tenon.bridge.perl;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * Cuts bytes into lines. What a line has beyond a bound is counted and dropped, so that one without an end costs
 * nothing.
 */
final class LineCutter {
    /** Of one line, in bytes. */
    static final int LONGEST = 1 << 20;

    private final Consumer<String> lines;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private long dropped;

    LineCutter(Consumer<String> lines) {
        this.lines = lines;
    }

    /** Takes the first bytes. */
    void take(byte[] bytes, int length) {
        int begin = 0;
        for (int i = 0; i < length; i++) {
            if (bytes[i] == '\n') {
                add(bytes, begin, i - begin);
                emit();
                begin = i + 1;
            }
        }
        add(bytes, begin, length - begin);
    }

    private void add(byte[] bytes, int begin, int length) {
        int kept = Math.min(length, LONGEST - line.size());
        line.write(bytes, begin, kept);
        dropped += length - kept;
    }

    private void emit() {
        String text = line.toString(StandardCharsets.UTF_8);
        lines.accept(dropped == 0 ? text : text + " ... (" + dropped + " bytes more)");
        line.reset();
        dropped = 0;
    }

    /** Ends the line that has begun. */
    void end() {
        if (line.size() > 0) {
            emit();
        }
    }
}

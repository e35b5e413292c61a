package dev.tenon.core.backup.repository;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Optional;

/** Lines of text, and in a last line their SHA-256. */
final class SummedText {
    private SummedText() {}

    /**
     * With the sum.
     *
     * @param text whole lines
     */
    static byte[] of(String text) {
        return (text + sum(text) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    /** The lines without the sum; empty if that is not theirs. */
    static Optional<String> read(String all) {
        int end = all.length() - 1;
        int begin = all.lastIndexOf('\n', end - 1) + 1;
        if (end < 0 || all.charAt(end) != '\n') {
            return Optional.empty();
        }
        String text = all.substring(0, begin);
        return sum(text).equals(all.substring(begin, end)) ? Optional.of(text) : Optional.empty();
    }

    private static String sum(String text) {
        return HexFormat.of().formatHex(ChunkId.digest().digest(text.getBytes(StandardCharsets.UTF_8)));
    }
}

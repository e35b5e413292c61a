package dev.tenon.proto;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/** Looks through bytes of MessagePack without making anything of them. */
final class Skimmer {
    private static final int BAD = -1;

    private final byte[] bytes;
    private final Limits limits;

    Skimmer(byte[] bytes, Limits limits) {
        this.bytes = bytes;
        this.limits = limits;
    }

    /**
     * Where the value that begins here has ended, -1 if it breaks a rule of frames; which, its reader tells.
     *
     * @param depth that of the value in its frame
     */
    int end(int begin, int depth) {
        if (begin >= bytes.length) {
            return BAD;
        }
        int first = bytes[begin] & 0xff;
        int at = begin + 1;
        if (first < 0x80 || first >= 0xe0 || first == 0xc0 || first == 0xc2 || first == 0xc3) {
            return at;
        }
        if (first < 0x90) {
            return map(at, first & 0x0f, depth);
        }
        if (first < 0xa0) {
            return list(at, first & 0x0f, depth);
        }
        if (first < 0xc0) {
            return text(at, first & 0x1f);
        }
        return switch (first) {
            case 0xca, 0xce, 0xd2 -> within(at + 4L);
            case 0xcb, 0xd3 -> within(at + 8L);
            // 2^63 and more is no number of ours.
            case 0xcf -> at < bytes.length && bytes[at] >= 0 ? within(at + 8L) : BAD;
            case 0xcc, 0xd0 -> within(at + 1L);
            case 0xcd, 0xd1 -> within(at + 2L);
            case 0xd9 -> text(at + 1, number(at, 1));
            case 0xda -> text(at + 2, number(at, 2));
            case 0xdb -> text(at + 4, number(at, 4));
            case 0xdc -> list(at + 2, number(at, 2), depth);
            case 0xdd -> list(at + 4, number(at, 4), depth);
            case 0xde -> map(at + 2, number(at, 2), depth);
            case 0xdf -> map(at + 4, number(at, 4), depth);
            default -> BAD;
        };
    }

    private int within(long end) {
        return end <= bytes.length ? (int) end : BAD;
    }

    private long number(int at, int length) {
        if (at + length > bytes.length) {
            return BAD;
        }
        long number = 0;
        for (int i = 0; i < length; i++) {
            number = (number << 8) | (bytes[at + i] & 0xff);
        }
        return number;
    }

    private boolean fits(int at, long count, int bytesEach, int depth) {
        return depth <= limits.depth()
                && count >= 0
                && count <= limits.elements()
                && count * bytesEach <= bytes.length - at;
    }

    private int list(int begin, long count, int depth) {
        if (!fits(begin, count, 1, depth)) {
            return BAD;
        }
        int at = begin;
        for (long i = 0; i < count && at != BAD; i++) {
            at = end(at, depth + 1);
        }
        return at;
    }

    private int map(int begin, long count, int depth) {
        if (!fits(begin, count, 2, depth)) {
            return BAD;
        }
        Set<String> keys = new HashSet<>();
        int at = begin;
        for (long i = 0; i < count && at != BAD; i++) {
            int end = end(at, depth + 1);
            if (end == BAD || !isText(bytes[at] & 0xff) || !keys.add(latin(at, end))) {
                return BAD;
            }
            at = end(end, depth + 1);
        }
        return at;
    }

    private static boolean isText(int first) {
        return (first >= 0xa0 && first < 0xc0) || (first >= 0xd9 && first <= 0xdb);
    }

    private String latin(int begin, int end) {
        return new String(bytes, begin, end - begin, StandardCharsets.ISO_8859_1);
    }

    /** ASCII is good at once; anything else is looked at by whoever makes characters of it. */
    private int text(int begin, long length) {
        if (length < 0 || length > limits.textBytes() || length > bytes.length - begin) {
            return BAD;
        }
        int end = begin + (int) length;
        for (int i = begin; i < end; i++) {
            if (bytes[i] < 0) {
                return FrameCodec.isText(bytes, begin, (int) length) ? end : BAD;
            }
        }
        return end;
    }
}

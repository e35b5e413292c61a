package dev.tenon.proto;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/** Checks bytes of MessagePack without making objects of them. */
final class Skimmer {
    private static final int BAD = -1;

    /** How many keys of a map are compared with each other. */
    private static final int FEW_KEYS = 16;

    private final byte[] bytes;
    private final Limits limits;

    Skimmer(byte[] bytes, Limits limits) {
        this.bytes = bytes;
        this.limits = limits;
    }

    /**
     * Where the value that begins here ends, -1 if it breaks a rule of frames; its reader says which.
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
            // 2^63 and more is not allowed.
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

    /** Where the elements, entries or characters of a checked value begin. */
    int contents(int begin) {
        return begin
                + 1
                + switch (bytes[begin] & 0xff) {
                    case 0xd9 -> 1;
                    case 0xda, 0xdc, 0xde -> 2;
                    case 0xdb, 0xdd, 0xdf -> 4;
                    default -> 0;
                };
    }

    /** Where the value has ended that begins here and has been looked through. */
    int after(int begin) {
        int first = bytes[begin] & 0xff;
        if (first >= 0x80 && first < 0xa0) {
            return afterElements(begin + 1, first < 0x90 ? 2L * (first & 0x0f) : first & 0x0f);
        }
        if (first >= 0xa0 && first < 0xc0) {
            return begin + 1 + (first & 0x1f);
        }
        return switch (first) {
            case 0xcc, 0xd0 -> begin + 2;
            case 0xcd, 0xd1 -> begin + 3;
            case 0xca, 0xce, 0xd2 -> begin + 5;
            case 0xcb, 0xcf, 0xd3 -> begin + 9;
            case 0xd9 -> begin + 2 + (bytes[begin + 1] & 0xff);
            case 0xda -> begin + 3 + (int) number(begin + 1, 2);
            case 0xdb -> begin + 5 + (int) number(begin + 1, 4);
            case 0xdc -> afterElements(begin + 3, number(begin + 1, 2));
            case 0xdd -> afterElements(begin + 5, number(begin + 1, 4));
            case 0xde -> afterElements(begin + 3, 2 * number(begin + 1, 2));
            case 0xdf -> afterElements(begin + 5, 2 * number(begin + 1, 4));
            default -> begin + 1;
        };
    }

    private int afterElements(int begin, long count) {
        int at = begin;
        for (long i = 0; i < count; i++) {
            at = after(at);
        }
        return at;
    }

    /** How many entries a map has. */
    long count(int begin) {
        int first = bytes[begin] & 0xff;
        return first < 0x90 ? first & 0x0f : number(begin + 1, contents(begin) - begin - 1);
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
        Set<String> many = count > FEW_KEYS ? new HashSet<>() : Set.of();
        int[] keys = new int[count > FEW_KEYS ? 0 : 2 * (int) count];
        int at = begin;
        for (int i = 0; i < count && at != BAD; i++) {
            int end = end(at, depth + 1);
            if (end == BAD || !isText(bytes[at] & 0xff)) {
                return BAD;
            }
            int key = contents(at);
            if (count > FEW_KEYS ? !many.add(latin(key, end)) : isAmong(keys, i, key, end)) {
                return BAD;
            }
            if (count <= FEW_KEYS) {
                keys[2 * i] = key;
                keys[2 * i + 1] = end;
            }
            at = end(end, depth + 1);
        }
        return at;
    }

    private boolean isAmong(int[] keys, int count, int begin, int end) {
        for (int i = 0; i < count; i++) {
            int keyEnd = keys[2 * i + 1];
            // The last letter tells most of them apart.
            if ((begin == end || bytes[keyEnd - 1] == bytes[end - 1])
                    && Arrays.equals(bytes, begin, end, bytes, keys[2 * i], keyEnd)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isText(int first) {
        return (first >= 0xa0 && first < 0xc0) || (first >= 0xd9 && first <= 0xdb);
    }

    private String latin(int begin, int end) {
        return new String(bytes, begin, end - begin, StandardCharsets.ISO_8859_1);
    }

    /** ASCII is valid at once; anything else is checked when characters are made of it. */
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

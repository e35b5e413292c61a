package dev.tenon.core.backup.repository;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * Where to cut data, by what is in them: the FastCDC of 2020 with a gear hash of 64 bits and normalized chunking. The gear
 * table and the masks are the published ones, so cuts are those of other programs with the same parameters.
 */
final class FastCdc {
    private static final int LEAST_BITS = 5;
    private static final long[] MASKS = {
        0x0000000001804110L,
        0x0000000001803110L,
        0x0000000018035100L,
        0x0000001800035300L,
        0x0000019000353000L,
        0x0000590003530000L,
        0x0000d90003530000L,
        0x0000d90103530000L,
        0x0000d90303530000L,
        0x0000d90313530000L,
        0x0000d90f03530000L,
        0x0000d90303537000L,
        0x0000d90703537000L,
        0x0000d90707537000L,
        0x0000d91707537000L,
        0x0000d91747537000L,
        0x0000d91767537000L,
        0x0000d93767537000L,
        0x0000d93777537000L,
        0x0000d93777577000L,
        0x0000db3777577000L
    };
    private static final long[] GEAR = gear();

    /** Of the repository; part of its format. */
    static final FastCdc OF_FILES = new FastCdc(256 << 10, 1 << 20, 2 << 20, 2);

    private final int least;
    private final int average;
    private final int most;
    private final long before;
    private final long after;

    /**
     * With parameters of its own.
     *
     * @param least bytes of a piece, if more follow
     * @param average bytes, a power of two
     * @param most bytes of a piece
     * @param level of the normalization, 0 to 3
     */
    FastCdc(int least, int average, int most, int level) {
        this.least = least;
        this.average = average;
        this.most = most;
        int bits = Integer.numberOfTrailingZeros(average);
        this.before = MASKS[bits + level - LEAST_BITS];
        this.after = MASKS[bits - level - LEAST_BITS];
    }

    /** The first 8 bytes of the MD5 of 64 times the byte. */
    private static long[] gear() {
        try {
            MessageDigest md5 = MessageDigest.getInstance("MD5");
            long[] gear = new long[256];
            byte[] input = new byte[64];
            for (int i = 0; i < gear.length; i++) {
                Arrays.fill(input, (byte) i);
                gear[i] = ByteBuffer.wrap(md5.digest(input)).getLong();
            }
            return gear;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The most bytes of a piece. */
    int most() {
        return most;
    }

    /**
     * How many of these bytes are the next piece.
     *
     * @param length what is there, at least the most bytes of a piece unless nothing follows
     */
    int cut(byte[] bytes, int offset, int length) {
        if (length <= least) {
            return length;
        }
        int end = Math.min(length, most);
        // The published algorithm takes two bytes at a time.
        int centre = Math.min(average, end) & ~1;
        int even = end & ~1;
        long hash = 0;
        int at = least & ~1;
        for (; at < centre; at++) {
            hash = (hash << 1) + GEAR[bytes[offset + at] & 0xff];
            if ((hash & before) == 0) {
                return at;
            }
        }
        for (; at < even; at++) {
            hash = (hash << 1) + GEAR[bytes[offset + at] & 0xff];
            if ((hash & after) == 0) {
                return at;
            }
        }
        return end;
    }
}

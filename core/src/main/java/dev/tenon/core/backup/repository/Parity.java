package dev.tenon.core.backup.repository;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Blocks by which a damaged pack is repaired: Reed-Solomon codes over GF(256), of Cauchy matrices. The pack's blocks are dealt
 * out to groups, so that damage in one place meets all of them. Checksums tell which blocks are damaged, and whether a block
 * that was computed is the one that was there: none is made from a guess.
 */
final class Parity {
    static final int BLOCK = 4096;

    private static final byte[] MAGIC = "TNNPRTY1".getBytes(StandardCharsets.US_ASCII);

    /** Parity blocks of a group; their bytes are computed together, as one number. */
    private static final int MOST_ROWS = 4;

    /** With the rows all elements of the field, at most. */
    private static final int MOST_COLUMNS = 250;

    /** Size of the pack, of a block, most blocks of a group, parity blocks of a group. */
    private static final int NUMBERS = 20;

    private static final int[] LOG = new int[256];
    private static final int[] EXP = new int[510];

    static {
        int value = 1;
        for (int i = 0; i < 255; i++) {
            EXP[i] = value;
            EXP[i + 255] = value;
            LOG[value] = i;
            // x^8 + x^4 + x^3 + x^2 + 1
            value = (value << 1) ^ ((value & 0x80) != 0 ? 0x11d : 0);
        }
    }

    private Parity() {}

    static int times(int a, int b) {
        return a == 0 || b == 0 ? 0 : EXP[LOG[a] + LOG[b]];
    }

    static int inverse(int a) {
        return EXP[255 - LOG[a]];
    }

    /** The matrix: any rows and as many columns of it can be solved. */
    static int coefficient(int row, int column) {
        return inverse((255 - row) ^ column);
    }

    /**
     * How blocks are dealt out.
     *
     * @param size of the pack
     * @param columns blocks of a group, at most
     * @param rows parity blocks of a group
     */
    private record Shape(long size, int columns, int rows) {
        static Shape of(long size, int percent) {
            int columns = Math.min(MOST_COLUMNS, Math.max(1, MOST_ROWS * 100 / percent));
            return new Shape(size, columns, Math.clamp((columns * percent + 99) / 100, 1, MOST_ROWS));
        }

        int blocks() {
            return (int) ((size + BLOCK - 1) / BLOCK);
        }

        int groups() {
            return (blocks() + columns - 1) / columns;
        }

        int length(int block) {
            return (int) Math.min(BLOCK, size - (long) block * BLOCK);
        }

        boolean isPossible() {
            return size > 0
                    && size <= Integer.MAX_VALUE / 4
                    && columns > 0
                    && columns <= MOST_COLUMNS
                    && rows > 0
                    && rows <= MOST_ROWS;
        }

        /** Of the file, without what its checksums are of. */
        int parity() {
            return MAGIC.length + NUMBERS;
        }

        int sums() {
            return parity() + groups() * rows * BLOCK;
        }

        int all() {
            return sums() + (blocks() + groups() * rows) * 4 + 4 + MAGIC.length;
        }
    }

    /** Computes the parity of a pack while it is read. */
    static final class Encoder {
        private final Shape shape;
        private final int[][] sums;
        private final ByteBuffer checksums;
        private final int[][] products;
        private final byte[] block = new byte[BLOCK];
        private int filled;
        private int number;

        /**
         * For a pack of this size.
         *
         * @param percent above 0, to 100
         */
        Encoder(long size, int percent) {
            shape = Shape.of(size, percent);
            sums = new int[shape.groups()][BLOCK];
            checksums = ByteBuffer.allocate((shape.blocks() + shape.groups() * shape.rows) * 4);
            products = new int[shape.columns][];
        }

        /** Takes the next bytes, however many. */
        void update(ByteBuffer bytes) {
            while (bytes.hasRemaining()) {
                int length = Math.min(bytes.remaining(), BLOCK - filled);
                bytes.get(block, filled, length);
                filled += length;
                if (filled == BLOCK) {
                    add();
                }
            }
        }

        private void add() {
            checksums.putInt(Pack.checksum(ByteBuffer.wrap(block, 0, filled)));
            int[] group = sums[number % shape.groups()];
            int[] product = products(number / shape.groups());
            for (int i = 0; i < filled; i++) {
                group[i] ^= product[block[i] & 0xff];
            }
            number++;
            filled = 0;
        }

        /** The products of each byte with the coefficients of a column, one in each byte of a number. */
        private int[] products(int column) {
            int[] known = products[column];
            if (known == null) {
                known = new int[256];
                for (int row = 0; row < shape.rows; row++) {
                    int coefficient = coefficient(row, column);
                    for (int value = 0; value < known.length; value++) {
                        known[value] |= times(coefficient, value) << (Byte.SIZE * row);
                    }
                }
                products[column] = known;
            }
            return known;
        }

        /** The file. */
        byte[] finish() {
            if (filled > 0) {
                add();
            }
            if (number != shape.blocks()) {
                throw new IllegalStateException("the pack has not the size that was told");
            }
            ByteBuffer file = ByteBuffer.allocate(shape.all());
            file.put(MAGIC)
                    .putLong(shape.size)
                    .putInt(BLOCK)
                    .putInt(shape.columns)
                    .putInt(shape.rows);
            byte[] parity = new byte[BLOCK];
            for (int[] group : sums) {
                for (int row = 0; row < shape.rows; row++) {
                    for (int i = 0; i < BLOCK; i++) {
                        parity[i] = (byte) (group[i] >>> (Byte.SIZE * row));
                    }
                    file.put(parity);
                    checksums.putInt(Pack.checksum(ByteBuffer.wrap(parity)));
                }
            }
            file.put(checksums.flip());
            file.putInt(checked(file.array(), shape)).put(MAGIC);
            return file.array();
        }
    }

    /** The parity of a pack in memory. */
    static byte[] of(byte[] pack, int percent) {
        Encoder encoder = new Encoder(pack.length, percent);
        encoder.update(ByteBuffer.wrap(pack));
        return encoder.finish();
    }

    /** A checksum of the numbers and of all checksums. */
    private static int checked(byte[] file, Shape shape) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.write(file, MAGIC.length, NUMBERS);
        all.write(file, shape.sums(), shape.all() - shape.sums() - 4 - MAGIC.length);
        return Pack.checksum(ByteBuffer.wrap(all.toByteArray()));
    }

    private static @Nullable Shape shape(byte[] file) {
        if (file.length < MAGIC.length + NUMBERS || !Arrays.equals(file, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            return null;
        }
        ByteBuffer numbers = ByteBuffer.wrap(file, MAGIC.length, NUMBERS);
        long size = numbers.getLong();
        int block = numbers.getInt();
        Shape shape = new Shape(size, numbers.getInt(), numbers.getInt());
        boolean isWhole = block == BLOCK
                && shape.isPossible()
                && shape.all() == file.length
                && ByteBuffer.wrap(file).getInt(file.length - MAGIC.length - 4) == checked(file, shape);
        return isWhole ? shape : null;
    }

    /** Whether the parity is whole and fits the pack. */
    static boolean fits(byte[] pack, byte[] file) {
        Shape shape = shape(file);
        return shape != null
                && shape.size == pack.length
                && damaged(pack, file, shape, 0, shape.blocks()).isEmpty()
                && damagedParity(file, shape).isEmpty();
    }

    private static BitSet damaged(byte[] pack, byte[] file, Shape shape, int from, int to) {
        BitSet damaged = new BitSet();
        ByteBuffer sums =
                ByteBuffer.wrap(file, shape.sums(), shape.blocks() * 4).slice();
        for (int block = from; block < to; block++) {
            int at = block * BLOCK;
            boolean isGood = at + shape.length(block) <= pack.length
                    && Pack.checksum(ByteBuffer.wrap(pack, at, shape.length(block))) == sums.getInt(block * 4);
            damaged.set(block, !isGood);
        }
        return damaged;
    }

    private static BitSet damagedParity(byte[] file, Shape shape) {
        BitSet damaged = new BitSet();
        int sums = shape.sums() + shape.blocks() * 4;
        for (int i = 0; i < shape.groups() * shape.rows; i++) {
            int sum = Pack.checksum(ByteBuffer.wrap(file, shape.parity() + i * BLOCK, BLOCK));
            damaged.set(i, sum != ByteBuffer.wrap(file).getInt(sums + i * 4));
        }
        return damaged;
    }

    /**
     * The pack as it was.
     *
     * @param pack what is left of it, of any size
     * @return null if too much is damaged, of the pack or of its parity
     */
    static byte @Nullable [] repaired(byte[] pack, byte[] file) {
        Shape shape = shape(file);
        if (shape == null) {
            return null;
        }
        BitSet damaged = damaged(pack, file, shape, 0, shape.blocks());
        BitSet damagedParity = damagedParity(file, shape);
        byte[] whole = Arrays.copyOf(pack, (int) shape.size);
        for (int group = 0; group < shape.groups(); group++) {
            List<Integer> lost = new ArrayList<>();
            for (int block = group; block < shape.blocks(); block += shape.groups()) {
                if (damaged.get(block)) {
                    lost.add(block);
                }
            }
            List<Integer> rows = new ArrayList<>();
            for (int row = 0; row < shape.rows && rows.size() < lost.size(); row++) {
                if (!damagedParity.get(group * shape.rows + row)) {
                    rows.add(row);
                }
            }
            if (rows.size() < lost.size()) {
                return null;
            }
            solve(whole, file, shape, group, lost, rows);
        }
        return damaged(whole, file, shape, 0, shape.blocks()).isEmpty() ? whole : null;
    }

    /** Computes lost blocks of a group from all others and as many parity blocks. */
    private static void solve(
            byte[] pack, byte[] file, Shape shape, int group, List<Integer> lost, List<Integer> rows) {
        int count = lost.size();
        if (count == 0) {
            return;
        }
        int[][] right = new int[count][BLOCK];
        int[][] left = new int[count][count];
        for (int i = 0; i < count; i++) {
            int row = rows.get(i);
            int at = shape.parity() + (group * shape.rows + row) * BLOCK;
            for (int b = 0; b < BLOCK; b++) {
                right[i][b] = file[at + b] & 0xff;
            }
            for (int block = group; block < shape.blocks(); block += shape.groups()) {
                int coefficient = coefficient(row, block / shape.groups());
                int unknown = lost.indexOf(block);
                if (unknown >= 0) {
                    left[i][unknown] = coefficient;
                } else {
                    for (int b = 0; b < shape.length(block); b++) {
                        right[i][b] ^= times(coefficient, pack[block * BLOCK + b] & 0xff);
                    }
                }
            }
        }
        for (int step = 0; step < count; step++) {
            // Every square part of a Cauchy matrix can be inverted, so no row has to be exchanged in what is left of
            // one.
            int scale = inverse(left[step][step]);
            scale(left[step], scale);
            scale(right[step], scale);
            for (int other = 0; other < count; other++) {
                int factor = left[other][step];
                if (other != step && factor != 0) {
                    subtract(left[other], left[step], factor);
                    subtract(right[other], right[step], factor);
                }
            }
        }
        for (int i = 0; i < count; i++) {
            int block = lost.get(i);
            for (int b = 0; b < shape.length(block); b++) {
                pack[block * BLOCK + b] = (byte) right[i][b];
            }
        }
    }

    private static void scale(int[] line, int factor) {
        for (int i = 0; i < line.length; i++) {
            line[i] = times(line[i], factor);
        }
    }

    private static void subtract(int[] from, int[] line, int factor) {
        for (int i = 0; i < from.length; i++) {
            from[i] ^= times(line[i], factor);
        }
    }
}

package dev.tenon.core.backup.repository;

/** A set of chunks, in 16 bytes each and room to grow. Calls come from many threads. */
final class ChunkSet {
    private static final int FIRST_SIZE = 1 << 10;

    private long[] high;
    private long[] low;
    private int count;

    ChunkSet() {
        this(0);
    }

    /**
     * A set that has room.
     *
     * @param expected for how many chunks; with more it grows, which takes three times the memory for a moment
     */
    ChunkSet(long expected) {
        int size = Math.clamp(expected / 4 * 5, FIRST_SIZE, Integer.MAX_VALUE - 8);
        high = new long[size];
        low = new long[size];
    }

    /** Adds a chunk, which is not {@link ChunkId#ZEROES}; answers whether it is new. */
    synchronized boolean add(ChunkId id) {
        if (count >= high.length / 8 * 7) {
            grow();
        }
        int slot = slot(id.a(), id.b());
        if (high[slot] == id.a() && low[slot] == id.b()) {
            return false;
        }
        high[slot] = id.a();
        low[slot] = id.b();
        count++;
        return true;
    }

    synchronized boolean contains(ChunkId id) {
        int slot = slot(id.a(), id.b());
        return high[slot] == id.a() && low[slot] == id.b();
    }

    private int slot(long a, long b) {
        // Ids are by chance, so this is, too.
        int slot = (int) Math.unsignedMultiplyHigh(a, high.length);
        while ((high[slot] | low[slot]) != 0 && (high[slot] != a || low[slot] != b)) {
            slot = slot + 1 == high.length ? 0 : slot + 1;
        }
        return slot;
    }

    private void grow() {
        long[] oldHigh = high;
        long[] oldLow = low;
        int size = Math.multiplyExact(high.length, 2);
        high = new long[size];
        low = new long[size];
        for (int i = 0; i < oldHigh.length; i++) {
            if ((oldHigh[i] | oldLow[i]) != 0) {
                int slot = slot(oldHigh[i], oldLow[i]);
                high[slot] = oldHigh[i];
                low[slot] = oldLow[i];
            }
        }
    }
}

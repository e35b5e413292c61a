package dev.tenon.core.backup.repository;

/** A set of chunks, in 16 bytes each and room to grow. Calls come from many threads. */
final class ChunkSet {
    private static final int FIRST_SIZE = 1 << 10;

    private long[] high = new long[FIRST_SIZE];
    private long[] low = new long[FIRST_SIZE];
    private int count;

    /** Adds a chunk, which is not {@link ChunkId#ZEROES}; answers whether it is new. */
    synchronized boolean add(ChunkId id) {
        if (count >= high.length / 4 * 3) {
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
        int mask = high.length - 1;
        int slot = (int) a & mask;
        while ((high[slot] | low[slot]) != 0 && (high[slot] != a || low[slot] != b)) {
            slot = slot + 1 & mask;
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

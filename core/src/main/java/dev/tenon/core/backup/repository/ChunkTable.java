package dev.tenon.core.backup.repository;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where chunks are, in memory, in 28 bytes each and room to grow. Ids are kept to 128 bits, so that many chunks fit; who reads a chunk checks its whole
 * id. Calls come from many threads.
 */
final class ChunkTable {
    private static final int FIRST_SIZE = 1 << 10;
    private static final int FREE = -1;

    private final List<String> packs = new ArrayList<>();
    private final Map<String, Integer> numbers = new HashMap<>();
    private long[] high = new long[FIRST_SIZE];
    private long[] low = new long[FIRST_SIZE];
    private int[] pack = freePlaces(FIRST_SIZE);
    private int[] offset = new int[FIRST_SIZE];
    private int[] stored = new int[FIRST_SIZE];
    private int count;

    private static int[] freePlaces(int size) {
        int[] places = new int[size];
        Arrays.fill(places, FREE);
        return places;
    }

    /** Adds a chunk; for one that is known already the first place stays. */
    synchronized void add(String name, ChunkId id, int at, int length) {
        int number = numbers.computeIfAbsent(name, _ -> {
            packs.add(name);
            return packs.size() - 1;
        });
        put(id, number, at, length);
    }

    synchronized int count() {
        return count;
    }

    private void put(ChunkId id, int number, int at, int length) {
        if (count >= high.length / 4 * 3) {
            grow();
        }
        int slot = slot(id.a(), id.b());
        if (pack[slot] == FREE) {
            high[slot] = id.a();
            low[slot] = id.b();
            pack[slot] = number;
            offset[slot] = at;
            stored[slot] = length;
            count++;
        }
    }

    /** The slot of this id, or the free one where it belongs. */
    private int slot(long a, long b) {
        int mask = high.length - 1;
        int slot = (int) a & mask;
        while (pack[slot] != FREE && (high[slot] != a || low[slot] != b)) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private void grow() {
        long[] oldHigh = high;
        long[] oldLow = low;
        int[] oldPack = pack;
        int[] oldOffset = offset;
        int[] oldStored = stored;
        int size = Math.multiplyExact(high.length, 2);
        high = new long[size];
        low = new long[size];
        pack = freePlaces(size);
        offset = new int[size];
        stored = new int[size];
        for (int i = 0; i < oldHigh.length; i++) {
            if (oldPack[i] != FREE) {
                int slot = slot(oldHigh[i], oldLow[i]);
                high[slot] = oldHigh[i];
                low[slot] = oldLow[i];
                pack[slot] = oldPack[i];
                offset[slot] = oldOffset[i];
                stored[slot] = oldStored[i];
            }
        }
    }

    synchronized Optional<ChunkIndex.Place> find(ChunkId id) {
        int slot = slot(id.a(), id.b());
        return pack[slot] == FREE
                ? Optional.empty()
                : Optional.of(new ChunkIndex.Place(packs.get(pack[slot]), offset[slot], stored[slot]));
    }

    synchronized boolean contains(ChunkId id) {
        return pack[slot(id.a(), id.b())] != FREE;
    }
}

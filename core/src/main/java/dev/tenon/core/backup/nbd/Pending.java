package dev.tenon.core.backup.nbd;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A request that is under way, and what has come of its answer. Its thread waits in {@link Replies#await}. */
final class Pending {
    /** More parts of one read than any server should send. */
    private static final int MOST_PARTS = 1 << 14;

    final String what;
    final long offset;
    final long length;
    /** Where a read goes; from its position on. */
    final @Nullable ByteBuffer into;
    /** Where the extents of a block status go. */
    final @Nullable List<Extent> extents;

    final Thread thread = Thread.currentThread();

    /** How many bytes of a read have come, data or hole. */
    private long filled;

    /** The parts of a read that have come, from their beginnings to their ends, as soon as there are two. */
    private final NavigableMap<Long, Long> parts = new TreeMap<>();

    @Nullable
    NbdException refusal;

    volatile boolean isDone;

    Pending(String what, long offset, long length, @Nullable ByteBuffer into, @Nullable List<Extent> extents) {
        this.what = what;
        this.offset = offset;
        this.length = length;
        this.into = into;
        this.extents = extents;
    }

    /** Counts a part of a read; false if it is not inside of what was asked for, or came before. */
    boolean take(long from, long bytes) {
        if (bytes < 1
                || from < offset
                || bytes > length
                || from > offset + length - bytes
                || parts.size() >= MOST_PARTS) {
            return false;
        }
        Map.Entry<Long, Long> before = parts.floorEntry(from + bytes - 1);
        if (before != null && before.getValue() > from) {
            return false;
        }
        parts.put(from, from + bytes);
        filled += bytes;
        return true;
    }

    /** Whether all of a read has come. */
    boolean isWhole() {
        return into == null || filled == length;
    }

    /** Where a part of a read goes. */
    ByteBuffer slice(ByteBuffer target, long from, long bytes) {
        return target.slice(target.position() + (int) (from - offset), (int) bytes);
    }

    /** Only the first failure that the server reports counts; the answer goes on until it is complete. */
    void refuse(NbdException why) {
        if (refusal == null) {
            refusal = why;
        }
    }
}

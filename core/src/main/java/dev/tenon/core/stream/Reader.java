package dev.tenon.core.stream;

import dev.tenon.core.linux.DataFlow;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.spi.ByteSize;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Reads the rest of a stream into a file or block device, and leaves out what is zero. */
final class Reader {
    private static final int BUFFER = 1 << 20;
    /** What PVE's dd looks at: so a volume that it makes has the same holes. */
    private static final int BLOCK = 64 << 10;

    private final Pace pace;
    private final DataFlow flow;
    private final Descriptor source;
    private final ByteBuffer buffer;

    Reader(Pace pace, DataFlow flow, Descriptor source) {
        this.pace = pace;
        this.flow = flow;
        this.source = source;
        this.buffer = flow.buffer(BUFFER);
    }

    /**
     * Up to the end.
     *
     * @param isSparse whether what is not written reads as zeroes
     * @param length how much must come, null if that is not known
     * @return how much came
     */
    long into(SparseFile target, boolean isSparse, @Nullable ByteSize length) throws IOException {
        long at = 0;
        boolean isAtEnd = false;
        while (!isAtEnd) {
            isAtEnd = fill(length, at);
            buffer.flip();
            pace.digest(buffer.duplicate());
            int got = buffer.remaining();
            write(target, at, isSparse);
            at += got;
        }
        if (length != null && Ending.isTooShort(at, length.bytes())) {
            throw pace.broken("it ended " + (length.bytes() - at) + " bytes too early");
        }
        if (isSparse) {
            target.extend(at);
        }
        target.sync();
        return at;
    }

    /** Until the buffer is full or nothing comes any more. */
    private boolean fill(@Nullable ByteSize length, long at) throws IOException {
        buffer.clear();
        while (buffer.hasRemaining()) {
            buffer.limit((int) Math.min(BUFFER, buffer.position() + pace.piece(BUFFER)));
            pace.awaitPeer(flow, source, DataFlow.Ready.READ);
            int read = flow.read(source, buffer);
            buffer.limit(BUFFER);
            if (read == 0) {
                return true;
            } else if (read > 0) {
                if (length != null && at + buffer.position() > length.bytes()) {
                    throw pace.broken("more came than the " + length.bytes() + " bytes that it told");
                }
                pace.advance(read);
            }
        }
        return false;
    }

    private void write(SparseFile target, long at, boolean isSparse) throws IOException {
        int end = buffer.limit();
        int begin = 0;
        while (begin < end) {
            int zero = isSparse ? nextZero(begin, end) : end;
            if (zero > begin) {
                flow.write(buffer.slice(begin, zero - begin), target, at + begin);
            }
            begin = zero;
            while (begin < end && isZero(begin, end)) {
                begin = Math.min(begin + BLOCK, end);
            }
        }
    }

    /** Where the next block of zeroes begins, or the end. */
    private int nextZero(int from, int end) {
        int block = from;
        while (block < end && !isZero(block, end)) {
            block = Math.min(block + BLOCK, end);
        }
        return block;
    }

    private boolean isZero(int begin, int end) {
        return DataFlow.isZero(buffer.slice(begin, Math.min(BLOCK, end - begin)));
    }
}

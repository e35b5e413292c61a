package dev.tenon.bridge.transport;

import dev.tenon.proto.FrameCodec;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What waits to be sent to a peer. If the peer reads pieces, a long frame goes in pieces, and whatever else there is goes
 * between them; so an answer to a ping waits for one piece at most. Not safe for use by several threads, but for {@link #cutLongFrames}.
 */
final class Outbox {
    /** A longer payload goes in pieces, of which each has at most so many bytes. */
    static final int PIECE_BYTES = 1 << 18;

    /** The length field, a list of three, its kind, a number of four bytes, and the head of bytes. */
    private static final int HEAD_BYTES = FrameCodec.LENGTH_BYTES + 2 + 5 + 5;

    private static final byte LIST_OF_THREE = (byte) 0x93;
    private static final byte KIND = 10;
    private static final byte NUMBER = (byte) 0xce;
    private static final byte BYTES = (byte) 0xc6;

    /** What goes next, up to the end of some frames or of a piece. */
    private final Deque<ByteBuffer> now = new ArrayDeque<>();

    private boolean isPieceNow;

    /** Those that go before the next piece, if it is their turn. */
    private final Deque<Waiting> frames = new ArrayDeque<>();

    private boolean isTurnOfFrames;

    /** What is left of the long frame whose pieces are being sent. */
    private @Nullable Cut cut;

    /** Further long frames, and what must not overtake any. */
    private final Deque<Waiting> behind = new ArrayDeque<>();

    private volatile boolean cutsLongFrames;
    private long bytes;

    /** Of the bytes, those of the long frame. */
    private long longBytes;

    /** A frame, and how many bytes it has. */
    private record Waiting(List<ByteBuffer> frame, int length) {
        /** The same if it goes in pieces. */
        long lengthInPieces() {
            int payload = length - FrameCodec.LENGTH_BYTES;
            return payload + (long) HEAD_BYTES * ((payload + PIECE_BYTES - 1) / PIECE_BYTES);
        }
    }

    /** The payload of a frame that goes in pieces. */
    private static final class Cut {
        private final Deque<ByteBuffer> payload = new ArrayDeque<>();
        private int left;

        Cut(Waiting waiting) {
            waiting.frame().forEach(part -> payload.add(part.slice()));
            ByteBuffer first = payload.element();
            first.position(FrameCodec.LENGTH_BYTES);
            left = waiting.length() - FrameCodec.LENGTH_BYTES;
        }

        List<ByteBuffer> piece() {
            int length = Math.min(left, PIECE_BYTES);
            left -= length;
            List<ByteBuffer> piece = new ArrayList<>();
            piece.add(ByteBuffer.allocate(HEAD_BYTES)
                    .putInt(HEAD_BYTES - FrameCodec.LENGTH_BYTES + length)
                    .put(LIST_OF_THREE)
                    .put(KIND)
                    .put(NUMBER)
                    .putInt(left)
                    .put(BYTES)
                    .putInt(length)
                    .flip());
            int missing = length;
            while (missing > 0) {
                ByteBuffer part = payload.element();
                int taken = Math.min(missing, part.remaining());
                // From its array, which a slice of it has, too.
                piece.add(ByteBuffer.wrap(part.array(), part.arrayOffset() + part.position(), taken));
                part.position(part.position() + taken);
                missing -= taken;
                if (!part.hasRemaining()) {
                    payload.remove();
                }
            }
            return piece;
        }
    }

    /** From now on long frames go in pieces. */
    void cutLongFrames() {
        cutsLongFrames = true;
    }

    /**
     * Adds a frame.
     *
     * @param length how many bytes it has
     * @param keepsPlace whether it must not overtake what was added before it
     * @return how many bytes more wait
     */
    long add(List<ByteBuffer> frame, int length, boolean keepsPlace) {
        Waiting waiting = new Waiting(frame, length);
        long before = bytes;
        bytes += isLong(waiting) ? waiting.lengthInPieces() : length;
        if (cut != null && (keepsPlace || isLong(waiting))) {
            behind.add(waiting);
        } else {
            begin(waiting);
        }
        return bytes - before;
    }

    private boolean isLong(Waiting waiting) {
        return cutsLongFrames && waiting.length() > FrameCodec.LENGTH_BYTES + PIECE_BYTES;
    }

    private void begin(Waiting waiting) {
        if (isLong(waiting)) {
            cut = new Cut(waiting);
            longBytes += waiting.lengthInPieces();
            isTurnOfFrames = true;
        } else {
            frames.add(waiting);
        }
    }

    boolean isEmpty() {
        return bytes == 0;
    }

    /** How many bytes wait beside those of a long frame that others may go between. */
    long bytesBesideLong() {
        return bytes - longBytes;
    }

    /** What is to be sent next; null if nothing is. */
    @Nullable
    ByteBuffer first() {
        if (now.isEmpty()) {
            refill();
        }
        return now.peek();
    }

    /** So many bytes of the first have been sent. */
    void sent(int count) {
        ByteBuffer first = now.element();
        first.position(first.position() + count);
        bytes -= count;
        longBytes -= isPieceNow ? count : 0;
        if (!first.hasRemaining()) {
            now.remove();
        }
    }

    void clear() {
        now.clear();
        frames.clear();
        behind.clear();
        cut = null;
        bytes = 0;
        longBytes = 0;
    }

    /** All frames that wait, and a piece, by turns. */
    private void refill() {
        Cut under = cut;
        isPieceNow = under != null && !(isTurnOfFrames && !frames.isEmpty());
        if (under == null || !isPieceNow) {
            isTurnOfFrames = false;
            frames.forEach(waiting -> now.addAll(waiting.frame()));
            frames.clear();
            return;
        }
        isTurnOfFrames = true;
        now.addAll(under.piece());
        if (under.left == 0) {
            cut = null;
            while (cut == null && !behind.isEmpty()) {
                begin(behind.remove());
            }
        }
    }
}

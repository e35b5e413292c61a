package dev.tenon.bridge.transport;

import dev.tenon.core.linux.SocketBuffer;
import dev.tenon.proto.FrameCodec;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Puts a frame together from the pieces in which it comes. Its length is checked as soon as its four bytes are there, and
 * memory grows with what came, so a peer that only claims much gets nothing.
 */
final class FrameParts {
    private static final int FIRST_PIECE = 1 << 16;
    private static final long GROWTH = 4;

    private long length;
    private int lengthBytes;
    private byte[] payload = {};
    private int filled;

    /**
     * Takes what belongs to the frame.
     *
     * @return how many bytes that was
     * @throws dev.tenon.proto.ProtocolException if the frame is longer than it may be
     */
    int add(SocketBuffer buffer, int from, int to, FrameCodec codec) {
        int at = from;
        while (lengthBytes < FrameCodec.LENGTH_BYTES && at < to) {
            length = length << Byte.SIZE | Byte.toUnsignedInt(buffer.get(at));
            at++;
            lengthBytes++;
            if (lengthBytes == FrameCodec.LENGTH_BYTES) {
                codec.checkLength(length);
                payload = new byte[(int) Math.min(length, FIRST_PIECE)];
            }
        }
        int taken = (int) Math.min(to - at, length - filled);
        if (lengthBytes == FrameCodec.LENGTH_BYTES && taken > 0) {
            if (filled + taken > payload.length) {
                payload = Arrays.copyOf(
                        payload, (int) Math.min(length, Math.max(GROWTH * payload.length, filled + taken)));
            }
            buffer.copyTo(at, payload, filled, taken);
            filled += taken;
            at += taken;
        }
        return at - from;
    }

    /** The payload, which is forgotten here, if the frame is whole. */
    byte @Nullable [] whole() {
        if (lengthBytes < FrameCodec.LENGTH_BYTES || filled < length) {
            return null;
        }
        byte[] whole = payload;
        length = 0;
        lengthBytes = 0;
        payload = new byte[0];
        filled = 0;
        return whole;
    }

    /** How many bytes of a frame that is not whole have come. */
    int bytes() {
        return lengthBytes + filled;
    }
}

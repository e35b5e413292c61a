package dev.tenon.bridge.transport;

import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.ProtocolException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Puts a long frame together from the pieces in which it comes. Its length is checked at its first piece, and memory grows
 * with what came.
 */
final class PieceParts {
    private static final long GROWTH = 4;

    private byte[] payload = {};
    private int filled;
    private long left;

    /**
     * Takes a piece.
     *
     * @return the long frame if that was its last piece
     * @throws ProtocolException if the piece is not the next one, or the frame is longer than it may be, or is no frame
     */
    @Nullable
    Frame add(Frame.Piece piece, FrameCodec codec) {
        byte[] bytes = piece.bytes().bytes();
        long length = filled + bytes.length + piece.left();
        if (bytes.length == 0 || (filled > 0 && bytes.length + piece.left() != left)) {
            throw new ProtocolException(
                    ErrorCode.MALFORMED_FRAME,
                    "a piece of " + bytes.length + " bytes says that " + piece.left()
                            + " of its frame follow, where it is empty or " + left + " were missing");
        }
        codec.checkLength(length);
        if (filled + bytes.length > payload.length) {
            payload = Arrays.copyOf(
                    payload, (int) Math.min(length, Math.max(GROWTH * payload.length, filled + bytes.length)));
        }
        System.arraycopy(bytes, 0, payload, filled, bytes.length);
        filled += bytes.length;
        left = piece.left();
        if (left > 0) {
            return null;
        }
        Frame whole = codec.decode(payload);
        if (whole instanceof Frame.Piece || whole instanceof Frame.Hello) {
            throw new ProtocolException(ErrorCode.UNEXPECTED_FRAME, "a piece, or a hello, came in pieces");
        }
        payload = new byte[0];
        filled = 0;
        return whole;
    }

    /** How many bytes of a frame that is not whole have come. */
    int bytes() {
        return filled;
    }
}

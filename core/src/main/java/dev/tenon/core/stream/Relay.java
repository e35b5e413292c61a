package dev.tenon.core.stream;

import dev.tenon.core.linux.DataFlow;
import dev.tenon.core.linux.Descriptor;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Moves all that comes from one descriptor to another, one of which is a pipe. */
final class Relay {
    private static final int LARGEST = 1 << 20;

    /** What a socket is given at once, since it may make one wait for the rest. */
    static final int SOCKET_PIECE = 1 << 20;

    private final Pace pace;
    private final DataFlow flow;

    Relay(Pace pace, DataFlow flow) {
        this.pace = pace;
        this.flow = flow;
    }

    /** A pipe that is ready takes so much without making one wait. */
    private static final int SURE_PIECE = 4096;

    /** Waits until a descriptor is ready. */
    interface Wait {
        void until(DataFlow flow, Descriptor descriptor, DataFlow.Ready ready) throws IOException;
    }

    /**
     * Up to the end of the source.
     *
     * @param countsZeroes whether the zeroes are wanted that it ends with
     * @return how many those are, at least; 0 if they were not wanted
     */
    long run(Descriptor source, Wait forSource, Descriptor sink, Wait forSink, boolean countsZeroes)
            throws IOException {
        flow.enlarge(sink);
        if (countsZeroes || pace.wantsChecksum() || !canSplice(source) || !canSplice(sink)) {
            return copy(source, forSource, sink, forSink);
        }
        int piece = source.kind() == Descriptor.Kind.SOCKET || sink.kind() == Descriptor.Kind.SOCKET
                ? SOCKET_PIECE
                : LARGEST;
        while (true) {
            forSource.until(flow, source, DataFlow.Ready.READ);
            long moved = flow.splice(source, sink, pace.piece(piece));
            if (moved == 0) {
                return 0;
            } else if (moved == DataFlow.NOT_READY) {
                forSink.until(flow, sink, DataFlow.Ready.WRITE);
            } else {
                pace.advance(moved);
            }
        }
    }

    /** Files to which others append, and terminals, do not support it. */
    private boolean canSplice(Descriptor descriptor) throws IOException {
        return switch (descriptor.kind()) {
            case PIPE, SOCKET, BLOCK_DEVICE -> true;
            case FILE -> !flow.isAppending(descriptor);
            case OTHER -> false;
        };
    }

    private long copy(Descriptor source, Wait forSource, Descriptor sink, Wait forSink) throws IOException {
        ByteBuffer buffer = flow.buffer((int) pace.piece(LARGEST));
        long zeroes = 0;
        while (true) {
            forSource.until(flow, source, DataFlow.Ready.READ);
            int read = flow.read(source, buffer.clear());
            if (read == 0) {
                return zeroes;
            } else if (read > 0) {
                buffer.flip();
                int last = trailingZeroes(buffer);
                zeroes = last == read ? zeroes + last : last;
                pace.digest(buffer.duplicate());
                write(buffer, sink, forSink);
                pace.advance(read);
            }
        }
    }

    private static int trailingZeroes(ByteBuffer buffer) {
        if (DataFlow.isZero(buffer)) {
            return buffer.limit();
        }
        int from = buffer.limit();
        while (from > 0 && buffer.get(from - 1) == 0) {
            from--;
        }
        return buffer.limit() - from;
    }

    void write(ByteBuffer buffer, Descriptor sink, Wait forSink) throws IOException {
        int piece = sink.kind() == Descriptor.Kind.PIPE ? SURE_PIECE : buffer.capacity();
        int end = buffer.limit();
        while (buffer.position() < end) {
            forSink.until(flow, sink, DataFlow.Ready.WRITE);
            buffer.limit(Math.min(end, buffer.position() + piece));
            flow.write(buffer, sink);
        }
    }
}

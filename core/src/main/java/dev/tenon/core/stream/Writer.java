package dev.tenon.core.stream;

import dev.tenon.core.linux.DataFlow;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.SparseFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Writes headers, parts of files and zeroes to the descriptor of a stream. What is a hole is not read. */
final class Writer implements AutoCloseable {
    /** What a file or block device is given between two looks at whether to go on. */
    private static final int FILE_PIECE = 16 << 20;

    /** More than a pipe holds: one that took all would have to be asked again, to hear that it is full. */
    private static final int PIPE_PIECE = 4 << 20;

    private static final int READ_PIECE = 1 << 20;
    private static final int HEADER = Long.BYTES;

    private static final String SHORTER = "the image became shorter during the transfer";

    /** Reads as zeroes and takes no memory, since all of it is a hole. */
    private static final long ZEROES = 16 << 20;

    private final Pace pace;
    private final DataFlow flow;
    private final Relay relay;
    private final Descriptor sink;
    private final Descriptor.Kind kind;
    private final boolean isSkipping;
    private final boolean isCopying;
    private final SparseFile zeroes;
    private final long piece;
    private final ByteBuffer read;

    Writer(Pace pace, DataFlow flow, Descriptor sink) throws IOException {
        this.pace = pace;
        this.flow = flow;
        this.relay = new Relay(pace, flow);
        this.sink = sink;
        this.kind = sink.kind();
        this.isSkipping = flow.canSkip(sink);
        // The kernel sends nothing into a file to which others append.
        this.isCopying = kind == Descriptor.Kind.FILE && flow.isAppending(sink);
        this.piece = switch (kind) {
            case PIPE -> PIPE_PIECE;
            case SOCKET -> Relay.SOCKET_PIECE;
            case FILE, BLOCK_DEVICE, OTHER -> FILE_PIECE;
        };
        this.read = flow.buffer(pace.wantsChecksum() || isCopying ? READ_PIECE : HEADER);
        flow.enlarge(sink);
        this.zeroes = SparseFile.inMemory(ZEROES);
    }

    /** The eight bytes that a stream begins with. */
    void header(long size) throws IOException {
        read.clear().order(ByteOrder.LITTLE_ENDIAN).putLong(size).flip();
        pace.digest(read.duplicate());
        writeRead();
        pace.advance(HEADER);
    }

    /** A part of a file, whose holes are sent as zeroes. */
    void part(SparseFile file, long begin, long end) throws IOException {
        long at = begin;
        while (at < end) {
            long data = file.nextData(at);
            data = data < 0 ? end : Math.min(data, end);
            zeroes(data - at);
            at = data;
            if (at < end) {
                long hole = Math.min(file.nextHole(at), end);
                data(file, at, hole);
                at = hole;
            }
        }
    }

    void zeroes(long length) throws IOException {
        if (isSkipping && length > 0 && !pace.wantsChecksum()) {
            flow.skip(sink, length);
            pace.advance(length);
            return;
        }
        for (long left = length; left > 0; ) {
            long sent = Math.min(left, ZEROES);
            data(zeroes, 0, sent);
            left -= sent;
        }
    }

    private void writeRead() throws IOException {
        relay.write(read, sink, pace::awaitPeer);
    }

    /** What is in the buffer afterwards, which is at least one byte. */
    private int read(SparseFile file, long at, long most) throws IOException {
        read.clear().limit((int) Math.min(read.capacity(), most));
        int got = flow.read(file, read, at);
        if (got == 0) {
            throw new IOException(SHORTER);
        }
        read.flip();
        return got;
    }

    private void copy(SparseFile file, long begin, long end) throws IOException {
        for (long at = begin; at < end; ) {
            int got = read(file, at, pace.piece(Math.min(read.capacity(), end - at)));
            pace.digest(read.duplicate());
            writeRead();
            pace.advance(got);
            at += got;
        }
    }

    private void data(SparseFile file, long begin, long end) throws IOException {
        if (isCopying) {
            copy(file, begin, end);
            return;
        }
        long at = begin;
        boolean isFull = kind == Descriptor.Kind.SOCKET;
        while (at < end) {
            if (isFull) {
                pace.awaitPeer(flow, sink, DataFlow.Ready.WRITE);
            }
            if (kind == Descriptor.Kind.SOCKET) {
                pace.waiting();
            }
            long wanted = pace.piece(Math.min(piece, end - at));
            long sent = flow.send(file, at, sink, kind, wanted);
            // A pipe that took less is full, which is not worth a call to hear it again.
            isFull = kind == Descriptor.Kind.SOCKET || (kind == Descriptor.Kind.PIPE && sent < wanted);
            if (sent == 0) {
                throw new IOException(SHORTER);
            } else if (sent != DataFlow.NOT_READY) {
                digest(file, at, sent);
                at += sent;
                pace.advance(sent);
            }
        }
    }

    private void digest(SparseFile file, long begin, long length) throws IOException {
        if (!pace.wantsChecksum()) {
            return;
        }
        for (long at = begin; at < begin + length; ) {
            at += read(file, at, begin + length - at);
            pace.digest(read);
        }
    }

    @Override
    public void close() {
        zeroes.close();
    }
}

package dev.tenon.core.backup.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.ReentrantLock;

/** What goes over a connection, one whole message after the other. */
final class Outbound {
    private final SocketChannel channel;
    private final ReentrantLock turn = new ReentrantLock();

    Outbound(SocketChannel channel) {
        this.channel = channel;
    }

    void send(ByteBuffer... parts) throws IOException {
        turn.lock();
        try {
            write(parts);
        } finally {
            turn.unlock();
        }
    }

    /** A header and then a part of a file, which the kernel sends by itself. */
    void send(ByteBuffer header, FileChannel file, long offset, long length) throws IOException {
        turn.lock();
        try {
            write(header);
            long sent = 0;
            while (sent < length) {
                long step = file.transferTo(offset + sent, length - sent, channel);
                if (step <= 0 && file.size() <= offset + sent) {
                    throw new EOFException(
                            "the file ends at " + (offset + sent) + ", in the middle of what was promised");
                }
                sent += step;
            }
        } finally {
            turn.unlock();
        }
    }

    private void write(ByteBuffer... parts) throws IOException {
        for (ByteBuffer part : parts) {
            while (part.hasRemaining()) {
                channel.write(parts);
            }
        }
    }
}

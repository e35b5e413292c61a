package dev.tenon.core.backup.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** What comes over a connection: small things out of a buffer, payloads straight into that of their request. */
final class Inbound {
    private static final int BUFFER = 16 << 10;

    private final ReadableByteChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER).flip();

    Inbound(ReadableByteChannel channel) {
        this.channel = channel;
    }

    /** Ends a read that waits. */
    void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // Nothing more is read from it.
        }
    }

    /** Waits until so many bytes are in the buffer; at most its size. */
    private void await(int count) throws IOException {
        if (buffer.remaining() >= count) {
            return;
        }
        buffer.compact();
        try {
            while (buffer.position() < count) {
                if (channel.read(buffer) < 0) {
                    throw new EOFException("the peer closed the connection");
                }
            }
        } finally {
            buffer.flip();
        }
    }

    /** Whether the peer closed the connection where a message may begin; waits until it is known. */
    boolean isAtEnd() throws IOException {
        if (buffer.hasRemaining()) {
            return false;
        }
        buffer.clear();
        int read = channel.read(buffer);
        buffer.flip();
        return read < 0;
    }

    long int64() throws IOException {
        await(Long.BYTES);
        return buffer.getLong();
    }

    int int32() throws IOException {
        await(Integer.BYTES);
        return buffer.getInt();
    }

    int uint16() throws IOException {
        await(Short.BYTES);
        return Short.toUnsignedInt(buffer.getShort());
    }

    /** Text of so many bytes. */
    String text(int bytes) throws IOException {
        byte[] octets = new byte[bytes];
        into(ByteBuffer.wrap(octets));
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(octets))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IOException("a name that is not UTF-8", e);
        }
    }

    /** Fills the rest of the target. */
    void into(ByteBuffer target) throws IOException {
        int there = Math.min(buffer.remaining(), target.remaining());
        if (there > 0) {
            target.put(target.position(), buffer, buffer.position(), there);
            target.position(target.position() + there);
            buffer.position(buffer.position() + there);
        }
        while (target.hasRemaining()) {
            if (channel.read(target) < 0) {
                throw new EOFException("the peer closed the connection in the middle of " + target.limit() + " bytes");
            }
        }
    }

    /** Passes over so many bytes. */
    void skip(long bytes) throws IOException {
        long left = bytes;
        while (left > 0) {
            await(1);
            int step = (int) Math.min(left, buffer.remaining());
            buffer.position(buffer.position() + step);
            left -= step;
        }
    }
}

package dev.tenon.core.image;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** An image opened for reading its header: nothing outside the file is ever read, however the header was forged. */
final class ImageFile implements Closeable {
    /** What one read fetches; the headers of nearly all images fit. */
    private static final int HEAD_BYTES = 4096;

    private final FileChannel channel;
    private final ByteOrder order;
    private final long size;
    private final ByteBuffer head;

    private ImageFile(FileChannel channel, ByteOrder order) throws IOException {
        this.channel = channel;
        this.order = order;
        size = channel.size();
        head = fill(ByteBuffer.allocate((int) Math.min(HEAD_BYTES, size)), 0);
    }

    /** Opens a regular file or block device, whose numbers are in this byte order. */
    static ImageFile open(Path file, ByteOrder order) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        try {
            return new ImageFile(channel, order);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** Bytes in the file or on the device. */
    long size() {
        return size;
    }

    int uint16(long offset) throws IOException, BadImageException {
        return Short.toUnsignedInt(at(offset, Short.BYTES).getShort());
    }

    int int32(long offset) throws IOException, BadImageException {
        return at(offset, Integer.BYTES).getInt();
    }

    long int64(long offset) throws IOException, BadImageException {
        return at(offset, Long.BYTES).getLong();
    }

    /**
     * A name as UTF-8.
     *
     * @param what what the name is of, for the message
     */
    String name(long offset, int length, String what) throws IOException, BadImageException {
        try {
            String name = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(at(offset, length))
                    .toString();
            if (name.indexOf('\0') >= 0) {
                throw new BadImageException("its " + what + " contains a NUL");
            }
            return name;
        } catch (CharacterCodingException e) {
            throw new BadImageException("its " + what + " is not UTF-8");
        }
    }

    /** The bytes at this place; the caller has bounded the length. */
    ByteBuffer at(long offset, int length) throws IOException, BadImageException {
        if (offset < 0 || length < 0 || offset > size - length) {
            throw new BadImageException(
                    "it is truncated: " + length + " bytes at " + offset + " are needed and it has " + size);
        }
        if (offset + length <= head.limit()) {
            return head.slice((int) offset, length).order(order);
        }
        ByteBuffer bytes = fill(ByteBuffer.allocate(length), offset);
        if (bytes.remaining() < length) {
            throw new BadImageException("it shrank while it was read");
        }
        return bytes.order(order);
    }

    private ByteBuffer fill(ByteBuffer bytes, long offset) throws IOException {
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, offset + bytes.position()) < 0) {
                break;
            }
        }
        return bytes.flip();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}

package dev.tenon.core.backup.nbd;

import dev.tenon.core.linux.SparseFile;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A raw file or block device as a served disk, of exactly its size, with its holes as the context {@link
 * Extent#ALLOCATION}. It is open until it is closed, after the server.
 */
public final class FileDisk implements ServedDisk, AutoCloseable {
    private static final ByteBuffer ZEROES = ByteBuffer.allocateDirect(1 << 20).asReadOnlyBuffer();

    private final FileChannel channel;
    private final SparseFile sparse;
    private final long size;
    private final boolean isWritable;
    private final Map<String, BlockMap> contexts;

    private FileDisk(FileChannel channel, SparseFile sparse, boolean isWritable, Map<String, BlockMap> more)
            throws IOException {
        this.channel = channel;
        this.sparse = sparse;
        this.size = sparse.size();
        this.isWritable = isWritable;
        Map<String, BlockMap> all = new HashMap<>(more);
        all.put(Extent.ALLOCATION, this::allocation);
        this.contexts = Map.copyOf(all);
    }

    /**
     * Opens a file or block device.
     *
     * @param more further contexts, such as a dirty bitmap
     */
    public static FileDisk open(Path file, boolean isWritable, Map<String, BlockMap> more) throws IOException {
        FileChannel channel = isWritable
                ? FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)
                : FileChannel.open(file, StandardOpenOption.READ);
        try {
            SparseFile sparse = isWritable ? SparseFile.openForWriting(file) : SparseFile.open(file);
            try {
                return new FileDisk(channel, sparse, isWritable, more);
            } catch (IOException | RuntimeException e) {
                sparse.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public boolean isWritable() {
        return isWritable;
    }

    @Override
    public FileChannel file() {
        return channel;
    }

    @Override
    public Map<String, BlockMap> contexts() {
        return contexts;
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        long at = offset;
        while (into.hasRemaining()) {
            int read = channel.read(into, at);
            if (read < 0) {
                throw new EOFException("the file ends at " + at + ", the disk at " + size);
            }
            at += read;
        }
    }

    private List<Extent> allocation(long offset, long length, int most) throws IOException {
        List<Extent> extents = new ArrayList<>();
        long at = offset;
        long end = offset + length;
        while (at < end && extents.size() < most) {
            long data = sparse.nextData(at);
            if (data < 0 && sparse.size() < end) {
                throw new EOFException("the file ends at " + sparse.size() + ", the disk at " + size);
            }
            long next = data < 0 || data > end ? end : data;
            if (next > at) {
                extents.add(new Extent(at, next - at, Extent.HOLE | Extent.ZERO));
            } else {
                next = Math.min(end, sparse.nextHole(at));
                if (next <= at) {
                    throw new EOFException("the file ends at " + at + ", the disk at " + size);
                }
                extents.add(new Extent(at, next - at, 0));
            }
            at = next;
        }
        return extents;
    }

    @Override
    public void write(long offset, ByteBuffer from) throws IOException {
        long at = offset;
        while (from.hasRemaining()) {
            at += channel.write(from, at);
        }
    }

    @Override
    public void zero(long offset, long length, boolean mayPunch) throws IOException {
        if (mayPunch && sparse.punch(offset, length)) {
            return;
        }
        long at = offset;
        while (at < offset + length) {
            at += channel.write(ZEROES.slice(0, (int) Math.min(ZEROES.capacity(), offset + length - at)), at);
        }
    }

    /** Where nothing can be given back, nothing is done, as the protocol allows. */
    @Override
    public void trim(long offset, long length) throws IOException {
        var _ = sparse.punch(offset, length);
    }

    @Override
    public void flush() throws IOException {
        channel.force(true);
    }

    @Override
    public void close() throws IOException {
        sparse.close();
        channel.close();
    }
}

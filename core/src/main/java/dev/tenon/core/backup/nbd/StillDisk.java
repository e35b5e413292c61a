package dev.tenon.core.backup.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A disk as a backup sees it: of one point in time, never changed by the one who reads it. It answers as QEMU's snapshot of
 * a running guest does: it is no read-only disk, since parts that are needed no more may be trimmed; trimming has no effect
 * here, and writing is refused with {@link NbdError#NOT_SUPPORTED}.
 */
public record StillDisk(ServedDisk disk) implements ServedDisk {
    @Override
    public long size() {
        return disk.size();
    }

    @Override
    public boolean isWritable() {
        return true;
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        disk.read(offset, into);
    }

    @Override
    public @Nullable FileChannel file() {
        return disk.file();
    }

    @Override
    public Map<String, BlockMap> contexts() {
        return disk.contexts();
    }

    @Override
    public void write(long offset, ByteBuffer from) throws IOException {
        throw refused();
    }

    @Override
    public void zero(long offset, long length, boolean mayPunch) throws IOException {
        throw refused();
    }

    @Override
    public void trim(long offset, long length) {
        // a real snapshot would give back the space of its copy
    }

    private static NbdException refused() {
        return new NbdException(NbdError.NOT_SUPPORTED, "a disk that is backed up cannot be written to");
    }
}

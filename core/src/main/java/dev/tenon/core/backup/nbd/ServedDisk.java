package dev.tenon.core.backup.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A disk that {@link NbdServer} exports. Called by several threads at once, for parts that lie inside of the disk. What a
 * method throws is told to the client as an error of that request; {@link NbdException} chooses which.
 */
public interface ServedDisk {
    /** In bytes; it does not change while the disk is served. */
    long size();

    /** Whether the methods that change the disk work. */
    default boolean isWritable() {
        return false;
    }

    /** Fills the rest of the buffer with what is there from the offset on. */
    void read(long offset, ByteBuffer into) throws IOException;

    /**
     * The file in which the data lie at the disk's own offsets, so that the kernel can send them; null if there is none.
     * A file that turns out to be shorter than the disk ends the connection.
     */
    default @Nullable FileChannel file() {
        return null;
    }

    /** The metadata contexts that clients may ask for, by their names, such as {@link Extent#ALLOCATION}. */
    default Map<String, BlockMap> contexts() {
        return Map.of();
    }

    /** Writes the rest of the buffer. */
    default void write(long offset, ByteBuffer from) throws IOException {
        throw readOnly();
    }

    /**
     * Makes a part read as zeroes.
     *
     * @param mayPunch whether it may become a hole
     */
    default void zero(long offset, long length, boolean mayPunch) throws IOException {
        throw readOnly();
    }

    /** The data there is no longer needed. */
    default void trim(long offset, long length) throws IOException {
        throw readOnly();
    }

    /** Waits until what was written is on the storage. */
    default void flush() throws IOException {}

    private static NbdException readOnly() {
        return new NbdException(NbdError.NOT_PERMITTED, "the disk is read-only");
    }
}

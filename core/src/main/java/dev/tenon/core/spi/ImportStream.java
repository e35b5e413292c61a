package dev.tenon.core.spi;

import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The stream in which a volume arrives at its storage: an open descriptor with a writer at the other end. It is used
 * once: either by {@link #size} and {@link #receive}, or by {@link #handOver}. Whoever made the stream closes it.
 *
 * <p>All throw {@link StorageException}: {@code STREAM_BROKEN} if it ends too early, is too long, or stalls; {@code
 * CANCELLED} if the thread is interrupted or the caller gave up; {@code NO_SPACE}; each says how many bytes had arrived.
 * The caller removes what was written until then.
 */
public interface ImportStream {
    /** The size of the volume that the stream begins with; 0 for a tar archive. Read once, before {@link #receive}. */
    ByteSize size();

    /**
     * Writes everything up to the end of the stream to its place, and syncs it. Creates the file of a {@link
     * StreamTarget.NewFile}.
     *
     * @param length how many bytes must arrive; null if that is not known, as for a tar archive. PVE rounds the size that
     *     it announces up to whole sectors, so such a stream may end inside the last sector
     */
    void receive(StreamTarget target, @Nullable ByteSize length);

    /**
     * Lets another process read the whole stream. A stream that ends too early is a failure even if that process did not
     * notice, as far as the format tells. The outcome of a failure is {@code UNKNOWN}, because only that process knows
     * what it did.
     *
     * @param format of the stream, for instance {@code raw+size}
     * @param reader gets the number of an open descriptor of this process, valid while the reader runs; it returns when
     *     the other process has read what it wants
     * @return what the reader returns
     */
    <T> T handOver(String format, IntFunction<T> reader);
}

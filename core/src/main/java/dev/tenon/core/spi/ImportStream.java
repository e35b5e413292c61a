package dev.tenon.core.spi;

import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The stream in which a volume comes to its storage: an open descriptor, at whose other end somebody writes. It is used
 * once: either by {@link #size} and {@link #receive}, or by {@link #handOver}. Whoever made the stream closes it.
 *
 * <p>All throw {@link StorageException}: {@code STREAM_BROKEN} if it ends too early, goes on too long, or nothing comes
 * any more; {@code CANCELLED} if the thread is interrupted or the caller gave up; {@code NO_SPACE}; each tells how many
 * bytes had come. What was written until then is the caller's to remove.
 */
public interface ImportStream {
    /** The size of the volume that the stream begins with; 0 for a tar archive. Read once, before {@link #receive}. */
    ByteSize size();

    /**
     * Writes all that comes to its place, up to the end of the stream, and syncs it. A {@link StreamTarget.NewFile} is
     * made by this.
     *
     * @param length how much must come; null if that is not known, as of a tar archive. PVE rounds up to sectors what it
     *     writes into a stream, so one of whole sectors may end inside the last
     */
    void receive(StreamTarget target, @Nullable ByteSize length);

    /**
     * Lets another process read the whole stream. One that has ended too early fails also if that process noticed nothing,
     * as far as its format tells; the outcome of a failure is {@code UNKNOWN}, since only that process knows what it made.
     *
     * @param format of the stream, for instance {@code raw+size}
     * @param reader gets the number of an open descriptor of this process, which is valid while it runs; it returns when
     *     the other process has read what it wants
     * @return what the reader returns
     */
    <T> T handOver(String format, IntFunction<T> reader);
}

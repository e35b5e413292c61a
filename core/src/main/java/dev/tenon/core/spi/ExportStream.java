package dev.tenon.core.spi;

import java.util.function.IntConsumer;

/**
 * The stream in which a volume leaves its storage: an open descriptor with a reader at the other end. It is used once, by
 * one of the two methods, which return when everything has been written. Whoever made the stream closes it.
 *
 * <p>Both throw {@link StorageException}: {@code STREAM_BROKEN} if the reader has closed its end or stopped reading,
 * {@code CANCELLED} if the thread is interrupted or the caller gave up, {@code NO_SPACE} if the target is full. Each says
 * how many bytes had been written. The storage is unchanged in these cases.
 */
public interface ExportStream {
    /**
     * Writes the whole stream from where its bytes are, without reading them into this process if the kernel can do it.
     */
    void send(StreamSource source);

    /**
     * Lets another process write the whole stream.
     *
     * @param writer gets the number of an open descriptor of this process, valid while the writer runs; it returns when
     *     the other process has written everything
     */
    void handOver(IntConsumer writer);
}

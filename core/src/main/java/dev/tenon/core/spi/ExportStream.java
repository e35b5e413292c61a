package dev.tenon.core.spi;

import java.util.function.IntConsumer;

/**
 * The stream in which a volume leaves its storage: an open descriptor, at whose other end somebody reads. It is used
 * once, by one of the two methods, which return when everything is written. Whoever made the stream closes it.
 *
 * <p>Both throw {@link StorageException}: {@code STREAM_BROKEN} if the reader has closed its end or reads no more, {@code
 * CANCELLED} if the thread is interrupted or the caller gave up, {@code NO_SPACE} if what is written to is full; each
 * tells how many bytes had been written. The storage is unchanged then.
 */
public interface ExportStream {
    /** Writes the whole stream from where its bytes lie, without reading them into this process where the kernel can. */
    void send(StreamSource source);

    /**
     * Lets another process write the whole stream.
     *
     * @param writer gets the number of an open descriptor of this process, which is valid while it runs; it returns when
     *     the other process has written everything
     */
    void handOver(IntConsumer writer);
}

package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.repository.FileContent;
import dev.tenon.core.backup.repository.TreeEntry;
import dev.tenon.core.backup.repository.TreeReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An entry of a tree in a tar archive: its header, its bytes without its holes, and zeroes up to the next block. */
final class TarMember {
    private final byte[] header;
    private final @Nullable FileContent content;

    /** Of the content, in the order in which they are stored. */
    private final List<FileContent.Data> data;

    private TarMember(byte[] header, @Nullable FileContent content, List<FileContent.Data> data) {
        this.header = header;
        this.content = content;
        this.data = data;
    }

    /**
     * Makes one.
     *
     * @param path in the archive
     * @param target of a link, in the archive if it is a hard link
     */
    static TarMember of(TreeEntry entry, String path, String target, TreeReader tree) throws IOException {
        if (entry.kind() != TreeEntry.Kind.FILE) {
            return new TarMember(TarHeader.of(entry, path, target, 0, List.of()), null, List.of());
        }
        FileContent content = tree.content(entry);
        List<FileContent.Data> data = content.data();
        return new TarMember(TarHeader.of(entry, path, target, content.size(), data), content, data);
    }

    /** In whole blocks. */
    long length() {
        long stored = data.stream().mapToLong(FileContent.Data::length).sum();
        return header.length + (stored + TarHeader.BLOCK - 1) / TarHeader.BLOCK * TarHeader.BLOCK;
    }

    /**
     * Fills a buffer.
     *
     * @param offset with what remains in the buffer not behind the end
     */
    void read(long offset, ByteBuffer to) throws IOException {
        long at = offset;
        if (at < header.length) {
            int length = (int) Math.min(to.remaining(), header.length - at);
            to.put(header, (int) at, length);
            at += length;
        }
        long begin = header.length;
        for (FileContent.Data each : data) {
            if (!to.hasRemaining()) {
                return;
            }
            if (content != null && at < begin + each.length()) {
                int length = (int) Math.min(to.remaining(), begin + each.length() - at);
                content.read(each.offset() + at - begin, to.slice(to.position(), length));
                to.position(to.position() + length);
                at += length;
            }
            begin += each.length();
        }
        while (to.hasRemaining()) {
            to.put((byte) 0);
        }
    }
}

package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.backup.DeviceName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Writes a snapshot into a repository where chunks have other names, because it has another key or none: all of it is read. */
final class TransferredSnapshot {
    private TransferredSnapshot() {}

    private static void copy(DiskReader from, DiskWriter to) throws IOException {
        long size = from.size().bytes();
        for (long at = 0; at < size; at += DiskTable.CHUNK) {
            int length = (int) Math.min(DiskTable.CHUNK, size - at);
            if (!from.isZero(at, length)) {
                ByteBuffer chunk = ByteBuffer.allocate(length);
                from.read(at, chunk);
                to.writeChunk(at, chunk.flip());
            }
        }
    }

    static Snapshot write(Snapshot snapshot, RepositoryReader from, SnapshotWriter to) throws IOException {
        for (Map.Entry<DeviceName, Snapshot.Disk> disk : snapshot.disks().entrySet()) {
            DiskWriter written = to.disk(disk.getKey(), disk.getValue().size());
            try (DiskReader read = from.disk(snapshot, disk.getKey()).orElseThrow()) {
                copy(read, written);
            }
        }
        TreeReader tree = from.tree(snapshot).orElse(null);
        if (tree != null) {
            TreeWriter written = to.tree();
            TreeReader.Cursor cursor = tree.from("");
            for (TreeEntry entry = cursor.next(); entry != null; entry = cursor.next()) {
                if (entry.kind() == TreeEntry.Kind.FILE) {
                    written.add(entry.with(TreeEntry.Content.NONE), new Content(tree.content(entry)));
                } else {
                    written.add(entry);
                }
            }
        }
        return to.publish(Objects.requireNonNull(snapshot.config(), "the configuration"), snapshot.firewall());
    }

    /** The bytes of a file of the snapshot; no offset is before the last one. */
    private static final class Content implements TreeWriter.Source {
        private final FileContent content;
        private final List<FileContent.Data> data;
        private int next;

        Content(FileContent content) throws IOException {
            this.content = content;
            this.data = content.data();
        }

        @Override
        public long nextData(long offset) {
            FileContent.Data found = at(offset);
            return found == null ? -1 : Math.max(offset, found.offset());
        }

        @Override
        public long nextHole(long offset) {
            FileContent.Data found = at(offset);
            return found == null || offset < found.offset() ? offset : found.offset() + found.length();
        }

        /** The data that are at an offset, or are the next behind it; null if there are none. */
        private FileContent.@Nullable Data at(long offset) {
            while (next < data.size()
                    && offset >= data.get(next).offset() + data.get(next).length()) {
                next++;
            }
            return next < data.size() ? data.get(next) : null;
        }

        @Override
        public long size() {
            return content.size();
        }

        @Override
        public int read(long offset, byte[] to, int at, int length) throws IOException {
            int bytes = (int) Math.min(length, content.size() - offset);
            content.read(offset, ByteBuffer.wrap(to, at, bytes));
            return bytes;
        }
    }
}

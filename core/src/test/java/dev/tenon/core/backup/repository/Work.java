package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;

/**
 * Backups whose content follows from a seed, which is their time in seconds; seeds that are near have much in common. The
 * configuration of each is the SHA-256 of what a restore must give.
 */
final class Work {
    private static final DeviceName DISK = new DeviceName("drive-scsi0");
    private static final int DISK_SIZE = 3 * DiskTable.CHUNK / 2;
    private static final int FILES = 60;

    private Work() {}

    static SnapshotWriter begin(Repository repository, GuestType type, Vmid guest, long seed) throws IOException {
        return repository.write("default", type, guest, Instant.ofEpochSecond(seed));
    }

    static Snapshot disk(Repository repository, Vmid guest, long seed) throws IOException {
        try (SnapshotWriter writer = begin(repository, GuestType.QEMU, guest, seed)) {
            return finishDisk(writer, seed);
        }
    }

    /** Half of it is that of other seeds, too. */
    static Snapshot finishDisk(SnapshotWriter writer, long seed) throws IOException {
        byte[] bytes = new byte[DISK_SIZE];
        new Random(seed).nextBytes(bytes);
        byte[] shared = new byte[DiskTable.CHUNK];
        new Random(seed / 3).nextBytes(shared);
        System.arraycopy(shared, 0, bytes, 0, shared.length);
        writer.disk(DISK, ByteSize.ofBytes(bytes.length)).write(0, ByteBuffer.wrap(bytes));
        return writer.publish(RawConfig.of(sum(bytes)), null);
    }

    /** Small files, a large one with holes, and one of so many pieces that they are in lists. */
    static Snapshot tree(Repository repository, Vmid guest, long seed) throws IOException {
        try (SnapshotWriter writer = begin(repository, GuestType.LXC, guest, seed)) {
            MessageDigest digest = ChunkId.digest();
            TreeWriter tree = writer.tree();
            tree.add(entry("", TreeEntry.Kind.DIRECTORY));
            for (int i = 0; i < FILES; i++) {
                byte[] bytes = new byte[i % 7 * 5000];
                new Random(i % 3 == 0 ? seed : seed / 3 + i).nextBytes(bytes);
                file(tree, digest, String.format(Locale.ROOT, "f%02d", i), new Holey(bytes, 0));
            }
            byte[] large = new byte[3 << 20];
            new Random(seed / 2).nextBytes(large);
            file(tree, digest, "large", new Holey(large, 1 << 20));
            byte[] many = new byte[200 * Holey.STEP];
            new Random(seed).nextBytes(many);
            file(tree, digest, "many", new Holey(many, Holey.STEP));
            return writer.publish(
                    RawConfig.of(HexFormat.of().formatHex(digest.digest()).getBytes(StandardCharsets.US_ASCII)), null);
        }
    }

    private static void file(TreeWriter tree, MessageDigest digest, String path, Holey content) throws IOException {
        digest.update(path.getBytes(StandardCharsets.US_ASCII));
        digest.update(content.bytes);
        tree.add(entry(path, TreeEntry.Kind.FILE), content);
    }

    private static TreeEntry entry(String path, TreeEntry.Kind kind) {
        return new TreeEntry(
                path, kind, 0644, 0, 0, 0, 0, TreeEntry.Known.NOT, 0, 0, "", new TreeMap<>(), TreeEntry.Content.NONE);
    }

    /** Bytes of which every second piece is a hole. */
    private static final class Holey implements TreeWriter.Source {
        static final int STEP = 512;

        private final byte[] bytes;
        private final int step;

        Holey(byte[] bytes, int step) {
            this.bytes = bytes;
            this.step = step;
            for (int at = step; step > 0 && at < bytes.length; at += 2 * step) {
                java.util.Arrays.fill(bytes, at, Math.min(bytes.length, at + step), (byte) 0);
            }
        }

        @Override
        public long nextData(long offset) {
            long data = step == 0 || offset / step % 2 == 0 ? offset : (offset / step + 1) * step;
            return data < bytes.length ? data : -1;
        }

        @Override
        public long nextHole(long offset) {
            return step == 0 ? bytes.length : Math.min(bytes.length, (offset / step + 1) * step);
        }

        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public int read(long offset, byte[] to, int at, int length) {
            System.arraycopy(bytes, (int) offset, to, at, length);
            return length;
        }
    }

    private static byte[] sum(byte[] bytes) {
        return HexFormat.of().formatHex(ChunkId.digest().digest(bytes)).getBytes(StandardCharsets.US_ASCII);
    }

    /**
     * Whether a restore gives what was backed up; also if the snapshot is not there any more.
     *
     * @throws BadRepositoryException if it cannot be restored whole
     */
    static boolean isGood(Repository repository, SnapshotId id) throws IOException {
        try (RepositoryReader reader = repository.read()) {
            Snapshot snapshot = reader.find(id).orElse(null);
            if (snapshot == null) {
                return true;
            }
            MessageDigest digest = ChunkId.digest();
            TreeReader tree = reader.tree(snapshot).orElse(null);
            if (tree == null) {
                DiskReader disk = reader.disk(snapshot, DISK).orElseThrow();
                ByteBuffer bytes = ByteBuffer.allocate((int) disk.size().bytes());
                disk.read(0, bytes);
                digest.update(bytes.flip());
            } else {
                TreeReader.Cursor cursor = tree.from("");
                for (TreeEntry entry = cursor.next(); entry != null; entry = cursor.next()) {
                    if (entry.kind() == TreeEntry.Kind.FILE) {
                        FileContent content = tree.content(entry);
                        ByteBuffer bytes = ByteBuffer.allocate((int) content.size());
                        content.read(0, bytes);
                        digest.update(entry.path().getBytes(StandardCharsets.US_ASCII));
                        digest.update(bytes.flip());
                    }
                }
            }
            return HexFormat.of()
                    .formatHex(digest.digest())
                    .equals(new String(Objects.requireNonNull(snapshot.config()).bytes(), StandardCharsets.US_ASCII));
        }
    }
}

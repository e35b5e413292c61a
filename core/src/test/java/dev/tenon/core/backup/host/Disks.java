package dev.tenon.core.backup.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.backup.nbd.Extent;
import dev.tenon.core.backup.nbd.NbdClient;
import dev.tenon.core.backup.nbd.NbdReader;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.DiskAccess;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a provider does with a disk that it is shown. */
final class Disks {
    static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int BLOCK = 1 << 20;

    private Disks() {}

    /** Reads a disk into a copy of it: all of it, or what is dirty. Returns which MiB were read, with how much of each. */
    static Map<Long, Integer> read(BackupDisk disk, byte[] copy) throws IOException {
        DiskAccess.Nbd nbd = (DiskAccess.Nbd) disk.access();
        boolean isPart = disk.bitmap() == BitmapMode.REUSE;
        String context = isPart ? Extent.DIRTY_BITMAP + nbd.bitmap().orElseThrow() : null;
        Map<Long, Integer> read = new TreeMap<>();
        try (NbdClient client = NbdClient.connect(nbd.socket(), nbd.export(), context, LIMIT)) {
            NbdReader reader = new NbdReader(List.of(client), BLOCK, 4);
            NbdReader.Sink sink = (offset, data) -> {
                synchronized (read) {
                    read.merge(offset / BLOCK, data.remaining(), Integer::sum);
                    data.get(copy, (int) offset, data.remaining());
                }
            };
            if (isPart) {
                reader.readChosen(client, extent -> extent.has(Extent.DIRTY), sink);
            } else {
                reader.readAll(sink);
            }
        }
        return read;
    }

    /** A provider that reads what the bitmap tells, whatever the mode, reads all. */
    static void assertWholeIsDirty(BackupDisk disk) throws IOException {
        DiskAccess.Nbd nbd = (DiskAccess.Nbd) disk.access();
        String context = Extent.DIRTY_BITMAP + nbd.bitmap().orElseThrow();
        long size = disk.size().bytes();
        try (NbdClient client = NbdClient.connect(nbd.socket(), nbd.export(), context, LIMIT)) {
            for (long at = 0; at < size; ) {
                List<Extent> extents = client.extents(at, Math.min(1L << 30, size - at));
                assertThat(extents).allMatch(extent -> extent.has(Extent.DIRTY));
                at = extents.getLast().end();
            }
        }
    }

    /** One byte of the disk, as it is at the point in time. */
    static int at(BackupDisk disk, long offset) throws IOException {
        DiskAccess.Nbd nbd = (DiskAccess.Nbd) disk.access();
        try (NbdClient client = NbdClient.connect(nbd.socket(), nbd.export(), null, LIMIT)) {
            ByteBuffer block = ByteBuffer.allocate(512);
            client.read(offset / 512 * 512, block);
            return block.get((int) (offset % 512));
        }
    }
}

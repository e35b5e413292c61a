package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.nbd.BlockMap;
import dev.tenon.core.backup.nbd.Extent;
import dev.tenon.core.backup.nbd.NbdClient;
import dev.tenon.core.backup.nbd.NbdServer;
import dev.tenon.core.backup.nbd.ServedDisk;
import dev.tenon.core.spi.backup.DiskAccess;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Where a disk is read from: over NBD, or at once if this process serves it, as it does with raw images and block devices. A
 * socket costs as much again as hashing what comes through it. Calls come from many threads.
 */
sealed interface DiskSource extends AutoCloseable {
    /**
     * Connects to what the host shows.
     *
     * @param context the metadata context that tells the extents
     */
    static DiskSource open(DiskAccess.Nbd access, String context) throws IOException {
        Optional<ServedDisk> disk = NbdServer.ofThisProcess(access.socket(), access.export());
        BlockMap map = disk.map(served -> served.contexts().get(context)).orElse(null);
        return disk.isPresent() && map != null
                ? new Own(disk.get(), map)
                : new Connected(NbdClient.connect(access.socket(), access.export(), context, Connected.HANDSHAKE));
    }

    /** Of the disk, in bytes. */
    long size();

    /** How many bytes can be read at once. */
    int most();

    /** What the context says of the disk from an offset on, without a gap; it may end before the range does. */
    List<Extent> extents(long offset, long length) throws IOException;

    /** Fills a direct buffer with bytes of an extent. */
    void read(Extent extent, long offset, ByteBuffer into) throws IOException;

    @Override
    void close();

    /** Of another process. */
    record Connected(NbdClient client) implements DiskSource {
        private static final Duration HANDSHAKE = Duration.ofSeconds(30);

        @Override
        public long size() {
            return client.export().size();
        }

        @Override
        public int most() {
            return client.export().largestPayload();
        }

        @Override
        public List<Extent> extents(long offset, long length) throws IOException {
            return client.extents(offset, length);
        }

        @Override
        public void read(Extent extent, long offset, ByteBuffer into) throws IOException {
            if (client.tellsHoles() && extent.flags() == 0) {
                client.readData(offset, into);
            } else {
                client.read(offset, into);
            }
        }

        @Override
        public void close() {
            client.close();
        }
    }

    /** Of this process; it stays the server's. */
    record Own(ServedDisk disk, BlockMap map) implements DiskSource {
        private static final int MOST_EXTENTS = 4096;

        @Override
        public long size() {
            return disk.size();
        }

        @Override
        public int most() {
            return Integer.MAX_VALUE;
        }

        @Override
        public List<Extent> extents(long offset, long length) throws IOException {
            return map.extents(offset, length, MOST_EXTENTS);
        }

        @Override
        public void read(Extent extent, long offset, ByteBuffer into) throws IOException {
            disk.read(offset, into);
        }

        @Override
        public void close() {
            // it is open for others, too
        }
    }
}

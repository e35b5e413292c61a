package dev.tenon.core.backup.host;

import dev.tenon.core.backup.host.SnapshotNodes.Bitmap;
import dev.tenon.core.qemu.QmpException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;

/**
 * A bitmap that calls a whole disk dirty. A bitmap that begins with a backup is shown so by PVE's QEMU, and a provider may
 * read what the bitmap tells and nothing else; one that is shown none, or an empty one, would make an empty archive. Others'
 * QEMU has no command that marks all of a bitmap, but reads one that does from an image. This writes such an image, which
 * has nothing else in it.
 */
final class WholeBitmap {
    private static final int CLUSTER_BITS = 16;
    private static final int CLUSTER = 1 << CLUSTER_BITS;
    private static final int ENTRY = 8;
    private static final int HEADER = 104;
    private static final int REFCOUNT_ORDER = 4;
    private static final long AUTOCLEAR_BITMAPS = 1;
    private static final int BITMAPS_EXTENSION = 0x23852875;
    private static final int BITMAPS_EXTENSION_LENGTH = 24;
    private static final byte TRACKS_CHANGES = 1;

    /** Of a table of bitmap data: no cluster, all ones. */
    private static final long ALL_ONES = 1;

    private WholeBitmap() {}

    /**
     * Writes the image and adds it as a node, which goes with the others; the file is the caller's to remove.
     *
     * @param size of the disk, in bytes
     */
    static Bitmap add(SnapshotNodes nodes, Path file, String node, long size, String name)
            throws IOException, QmpException {
        try (WritableByteChannel channel = Files.newByteChannel(
                file,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            ByteBuffer image = image(size, name);
            while (image.hasRemaining()) {
                channel.write(image);
            }
        }
        nodes.add(Map.of(
                "driver",
                "qcow2",
                "node-name",
                node,
                "read-only",
                true,
                "file",
                Map.of("driver", "file", "filename", file.toString())));
        return new Bitmap(node, name);
    }

    private static long clusters(long entries) {
        return Math.ceilDiv(entries * ENTRY, CLUSTER);
    }

    private static ByteBuffer image(long size, String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        long mapEntries = Math.ceilDiv(size, (long) CLUSTER / ENTRY * CLUSTER);
        long tableEntries = Math.ceilDiv(size, (long) CLUSTER * Byte.SIZE * BitmapState.GRANULARITY);
        int counts = CLUSTER;
        int block = counts + CLUSTER;
        int map = block + CLUSTER;
        int directory = Math.toIntExact(map + clusters(mapEntries) * CLUSTER);
        int table = directory + CLUSTER;
        int end = Math.toIntExact(table + clusters(tableEntries) * CLUSTER);
        int directorySize = Math.ceilDiv(24 + bytes.length, ENTRY) * ENTRY;

        ByteBuffer image = ByteBuffer.allocate(end);
        image.put("QFI\u00fb".getBytes(StandardCharsets.ISO_8859_1)).putInt(3);
        image.putLong(0).putInt(0).putInt(CLUSTER_BITS).putLong(size).putInt(0);
        image.putInt(Math.toIntExact(mapEntries)).putLong(map);
        image.putLong(counts).putInt(1).putInt(0).putLong(0);
        image.putLong(0)
                .putLong(0)
                .putLong(AUTOCLEAR_BITMAPS)
                .putInt(REFCOUNT_ORDER)
                .putInt(HEADER);
        image.putInt(BITMAPS_EXTENSION).putInt(BITMAPS_EXTENSION_LENGTH);
        image.putInt(1).putInt(0).putLong(directorySize).putLong(directory);
        image.putLong(counts, block);
        for (int cluster = 0; cluster < end / CLUSTER; cluster++) {
            image.putShort(block + cluster * Short.BYTES, (short) 1);
        }
        image.position(directory);
        image.putLong(table).putInt(Math.toIntExact(tableEntries)).putInt(0);
        image.put(TRACKS_CHANGES).put((byte) Integer.numberOfTrailingZeros(BitmapState.GRANULARITY));
        image.putShort((short) bytes.length).putInt(0).put(bytes);
        for (int entry = 0; entry < tableEntries; entry++) {
            image.putLong(table + entry * ENTRY, ALL_ONES);
        }
        return image.rewind();
    }
}

package dev.tenon.core.image;

import dev.tenon.core.spi.ByteSize;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A snapshot inside a qcow2 image.
 *
 * @param id what QEMU numbers it with; commands that take a name take it too
 * @param timestamp seconds since 1970
 * @param virtualSize the size of the image when it was taken, null if the image does not tell
 */
public record Qcow2Snapshot(
        String id, String name, long timestamp, @Nullable ByteSize virtualSize) {
    private static final int COUNT_OFFSET = 60;
    private static final int TABLE_OFFSET = 64;
    /** QEMU takes no more. */
    private static final int MOST_SNAPSHOTS = 65_536;

    private static final int ENTRY_BYTES = 40;
    private static final int ID_LENGTH_OFFSET = 12;
    private static final int NAME_LENGTH_OFFSET = 14;
    private static final int SECONDS_OFFSET = 16;
    private static final int EXTRA_LENGTH_OFFSET = 36;
    private static final int LONGEST_EXTRA = 1024;
    /** The size of the disk is behind the large size of the state. */
    private static final int EXTRA_WITH_SIZE = 16;

    private static final int SIZE_IN_EXTRA = 8;
    private static final int ALIGNMENT = 8;

    /**
     * The snapshots of this image, in the image's order.
     *
     * @throws IOException if the file cannot be read, or is no valid qcow2 image
     */
    public static List<Qcow2Snapshot> readAll(Path file) throws IOException {
        try (ImageFile image = ImageFile.open(file, ByteOrder.BIG_ENDIAN)) {
            Qcow2Header.read(image);
            return readAll(image);
        } catch (BadImageException e) {
            throw new IOException("'" + file + "': " + e.getMessage() + ": Image is not in qcow2 format", e);
        }
    }

    private static List<Qcow2Snapshot> readAll(ImageFile image) throws IOException, BadImageException {
        int count = image.int32(COUNT_OFFSET);
        if (count < 0 || count > MOST_SNAPSHOTS) {
            throw new BadImageException("it has " + Integer.toUnsignedString(count) + " snapshots");
        }
        long offset = image.int64(TABLE_OFFSET);
        List<Qcow2Snapshot> snapshots = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            offset = readOne(image, offset, snapshots);
        }
        return snapshots;
    }

    /** Reads the snapshot at this offset, and returns that of the next. */
    private static long readOne(ImageFile image, long offset, List<Qcow2Snapshot> snapshots)
            throws IOException, BadImageException {
        image.at(offset, ENTRY_BYTES);
        int idLength = image.uint16(offset + ID_LENGTH_OFFSET);
        int nameLength = image.uint16(offset + NAME_LENGTH_OFFSET);
        long timestamp = Integer.toUnsignedLong(image.int32(offset + SECONDS_OFFSET));
        long extraLength = Integer.toUnsignedLong(image.int32(offset + EXTRA_LENGTH_OFFSET));
        if (extraLength > LONGEST_EXTRA) {
            throw new BadImageException("a snapshot has " + extraLength + " bytes of extra data");
        }
        long extra = offset + ENTRY_BYTES;
        long id = extra + extraLength;
        long name = id + idLength;
        snapshots.add(new Qcow2Snapshot(
                image.name(id, idLength, "snapshot id"),
                image.name(name, nameLength, "snapshot name"),
                timestamp,
                extraLength < EXTRA_WITH_SIZE ? null : size(image.int64(extra + SIZE_IN_EXTRA))));
        return (name + nameLength + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private static ByteSize size(long bytes) throws BadImageException {
        if (bytes < 0) {
            throw new BadImageException("a snapshot has a size of " + Long.toUnsignedString(bytes));
        }
        return ByteSize.ofBytes(bytes);
    }
}

package dev.tenon.core.image;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What matters here of the header of a qcow2 image. Only the header is read; the files that it names are never opened.
 *
 * @param version 2 or 3
 * @param virtualSize bytes
 * @param backingFile the name as it stands in the image, null if there is none
 * @param backingFormat the format of the backing file, null if the image does not tell, in which case QEMU guesses
 * @param dataFile the name of the external data file, null if there is none, empty if there is one without a name
 */
public record Qcow2Header(
        int version,
        long virtualSize,
        @Nullable String backingFile,
        @Nullable String backingFormat,
        @Nullable String dataFile) {
    static final int MAGIC = 0x514649fb;

    private static final int VERSION_2_BYTES = 72;
    private static final int VERSION_3_BYTES = 104;

    private static final int VERSION_OFFSET = 4;
    private static final int BACKING_FILE_OFFSET = 8;
    private static final int BACKING_FILE_LENGTH = 16;
    private static final int CLUSTER_BITS_OFFSET = 20;
    private static final int SIZE_OFFSET = 24;
    private static final int INCOMPATIBLE_FEATURES_OFFSET = 72;
    private static final int HEADER_LENGTH_OFFSET = 100;

    private static final long EXTERNAL_DATA_FILE = 1L << 2;
    private static final long EXTENDED_L2_ENTRIES = 1L << 4;
    private static final long KNOWN_INCOMPATIBLE_FEATURES = 0x1f;

    private static final int EXTENSION_END = 0;
    private static final int EXTENSION_BACKING_FORMAT = 0xe2792aca;
    private static final int EXTENSION_DATA_FILE = 0x44415441;
    private static final int EXTENSION_HEAD_BYTES = 8;
    private static final int EXTENSION_ALIGNMENT = 8;

    private static final int SMALLEST_CLUSTER_BITS = 9;
    private static final int LARGEST_CLUSTER_BITS = 21;
    private static final int LONGEST_FILE_NAME = 1023;
    private static final int LONGEST_FORMAT_NAME = 15;
    /** An image has three or four; QEMU sets no limit below the size of a cluster. */
    private static final int MOST_EXTENSIONS = 256;
    /** The L1 table has at most 32 MiB, so many entries. */
    private static final long MOST_L1_ENTRIES = 4L * 1024 * 1024;

    private static final int SECTOR_BYTES = 512;

    /**
     * Reads the header of this file.
     *
     * @throws IOException if the file cannot be read, or is no valid qcow2 image (the message says why and ends in
     *     {@code Image is not in qcow2 format})
     */
    public static Qcow2Header read(Path file) throws IOException {
        try (ImageFile image = ImageFile.open(file, ByteOrder.BIG_ENDIAN)) {
            return read(image);
        } catch (BadImageException e) {
            throw new IOException("'" + file + "': " + e.getMessage() + ": Image is not in qcow2 format", e);
        }
    }

    static Qcow2Header read(ImageFile image) throws IOException, BadImageException {
        if (image.size() < Integer.BYTES || image.int32(0) != MAGIC) {
            throw new BadImageException("it does not begin like one");
        }
        int version = image.int32(VERSION_OFFSET);
        if (version != 2 && version != 3) {
            throw new BadImageException("its version is " + Integer.toUnsignedString(version));
        }
        int clusterBits = image.int32(CLUSTER_BITS_OFFSET);
        if (clusterBits < SMALLEST_CLUSTER_BITS || clusterBits > LARGEST_CLUSTER_BITS) {
            throw new BadImageException(
                    "its cluster size is 2 to the power of " + Integer.toUnsignedString(clusterBits));
        }
        int clusterSize = 1 << clusterBits;
        long features = version == 2 ? 0 : image.int64(INCOMPATIBLE_FEATURES_OFFSET);
        if ((features & ~KNOWN_INCOMPATIBLE_FEATURES) != 0) {
            throw new BadImageException("it uses unknown features 0x" + Long.toHexString(features));
        }
        long headerLength = version == 2 ? VERSION_2_BYTES : Integer.toUnsignedLong(image.int32(HEADER_LENGTH_OFFSET));
        if (version == 3 && (headerLength < VERSION_3_BYTES || headerLength > clusterSize)) {
            throw new BadImageException("its header length is " + headerLength);
        }
        image.at(0, (int) headerLength);
        long size = virtualSize(image, clusterBits, features);
        long backingOffset = image.int64(BACKING_FILE_OFFSET);
        if (backingOffset != 0 && (backingOffset < headerLength || backingOffset > clusterSize)) {
            throw new BadImageException("its backing file name is at " + Long.toUnsignedString(backingOffset));
        }
        Extensions extensions = Extensions.read(image, headerLength, backingOffset == 0 ? clusterSize : backingOffset);
        boolean externalData = (features & EXTERNAL_DATA_FILE) != 0;
        return new Qcow2Header(
                version,
                size,
                backingFile(image, backingOffset, clusterSize),
                extensions.backingFormat,
                extensions.dataFile == null && externalData ? "" : extensions.dataFile);
    }

    private static long virtualSize(ImageFile image, int clusterBits, long features)
            throws IOException, BadImageException {
        long size = image.int64(SIZE_OFFSET);
        int l2Bits = clusterBits - ((features & EXTENDED_L2_ENTRIES) == 0 ? 3 : 4);
        if (size < 0 || size > MOST_L1_ENTRIES << (clusterBits + l2Bits)) {
            throw new BadImageException("its virtual size is " + Long.toUnsignedString(size));
        }
        return size / SECTOR_BYTES * SECTOR_BYTES;
    }

    private static @Nullable String backingFile(ImageFile image, long offset, int clusterSize)
            throws IOException, BadImageException {
        int length = image.int32(BACKING_FILE_LENGTH);
        if (offset == 0 || length == 0) {
            return null;
        }
        if (length < 0 || length > Math.min(LONGEST_FILE_NAME, clusterSize - offset)) {
            throw new BadImageException("its backing file name has " + Integer.toUnsignedString(length) + " bytes");
        }
        return image.name(offset, length, "backing file name");
    }

    private record Extensions(
            @Nullable String backingFormat, @Nullable String dataFile) {
        static Extensions read(ImageFile image, long begin, long end) throws IOException, BadImageException {
            String backingFormat = null;
            String dataFile = null;
            long offset = begin;
            int count = 0;
            while (offset <= end - EXTENSION_HEAD_BYTES && offset <= image.size() - EXTENSION_HEAD_BYTES) {
                int magic = image.int32(offset);
                long length = Integer.toUnsignedLong(image.int32(offset + Integer.BYTES));
                offset += EXTENSION_HEAD_BYTES;
                if (magic == EXTENSION_END) {
                    break;
                }
                if (++count > MOST_EXTENSIONS) {
                    throw new BadImageException("it has more than " + MOST_EXTENSIONS + " header extensions");
                }
                if (length > end - offset) {
                    throw new BadImageException("a header extension has " + length + " bytes");
                }
                switch (magic) {
                    case EXTENSION_BACKING_FORMAT ->
                        backingFormat = text(image, offset, length, LONGEST_FORMAT_NAME, "backing format");
                    case EXTENSION_DATA_FILE ->
                        dataFile = text(image, offset, length, LONGEST_FILE_NAME, "data file name");
                    default -> {}
                }
                offset += (length + EXTENSION_ALIGNMENT - 1) / EXTENSION_ALIGNMENT * EXTENSION_ALIGNMENT;
            }
            return new Extensions(backingFormat, dataFile);
        }

        private static String text(ImageFile image, long offset, long length, int longest, String what)
                throws IOException, BadImageException {
            if (length > longest) {
                throw new BadImageException("its " + what + " has " + length + " bytes");
            }
            return image.name(offset, (int) length, what);
        }
    }
}

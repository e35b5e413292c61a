package dev.tenon.core.image;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * What {@code qemu-img info} tells of an image, read without it. The format is the one the caller expects, from the name;
 * the content never decides it. The files that an image names are not opened.
 *
 * @param size virtual size
 * @param used bytes allocated on the storage
 * @param format the format asked for, or {@link #INVALID} if the file is not of it; its sizes are those of a raw image
 *     then
 * @param backingFile the name as it stands in the image, null if there is none
 * @param backingFormat the format of the backing file as the image tells it, null if it does not
 * @param dataFile a file outside the image that holds its data, null if there is none, empty if the image does not name
 *     it
 * @param ctime seconds since 1970 of the last change of the inode
 * @param defect why the format is {@link #INVALID}, else null
 */
public record ImageInfo(
        ByteSize size,
        ByteSize used,
        Format format,
        @Nullable String backingFile,
        @Nullable String backingFormat,
        @Nullable String dataFile,
        long ctime,
        @Nullable String defect) {
    /** The format of a file that is not of the format its name promises. */
    public static final Format INVALID = new Format.Other("invalid");

    private static final int SECTOR_BYTES = 512;
    private static final int QED_MAGIC = 0x51454400; // "QED" and a NUL
    private static final int COWD_MAGIC = 0x434f5744; // "COWD"
    private static final int SPARSE_VMDK_MAGIC = Integer.reverseBytes(VmdkHeader.SPARSE_MAGIC);

    /**
     * Reads the image.
     *
     * @param format what the file must be; {@code SUBVOL} means a directory
     * @throws java.nio.file.NoSuchFileException if there is no such file
     * @throws IOException if it cannot be read, is a directory where an image is expected or the other way round, or is
     *     neither a regular file nor a block device
     */
    public static ImageInfo read(Path file, Format.Image format) throws IOException {
        FileStatus status = FileStatus.of(file);
        if (status.isDirectory()) {
            if (format != Format.Image.SUBVOL) {
                throw new FileSystemException(
                        file.toString(), null, "expected format '" + format.word() + "' but it is a directory");
            }
            return new ImageInfo(
                    ByteSize.ofBytes(0), ByteSize.ofBytes(0), format, null, null, null, status.changeTime(), null);
        }
        if (format == Format.Image.SUBVOL) {
            throw new NotDirectoryException(file.toString());
        }
        if (!status.isRegularFile() && !status.isBlockDevice()) {
            throw new FileSystemException(file.toString(), null, "it is neither a regular file nor a block device");
        }
        return switch (format) {
            case RAW, SUBVOL -> raw(file, status, format, null);
            case QCOW2 -> qcow2(file, status);
            case VMDK -> vmdk(file, status);
        };
    }

    private static ImageInfo qcow2(Path file, FileStatus status) throws IOException {
        try (ImageFile image = ImageFile.open(file, ByteOrder.BIG_ENDIAN)) {
            Qcow2Header header = Qcow2Header.read(image);
            return new ImageInfo(
                    ByteSize.ofBytes(header.virtualSize()),
                    ByteSize.ofBytes(status.allocated()),
                    Format.Image.QCOW2,
                    header.backingFile(),
                    header.backingFormat(),
                    header.dataFile(),
                    status.changeTime(),
                    null);
        } catch (BadImageException e) {
            return raw(file, status, INVALID, e.getMessage());
        }
    }

    private static ImageInfo vmdk(Path file, FileStatus status) throws IOException {
        try (ImageFile image = ImageFile.open(file, ByteOrder.LITTLE_ENDIAN)) {
            VmdkHeader header = VmdkHeader.read(image);
            return new ImageInfo(
                    ByteSize.ofBytes(header.virtualSize()),
                    ByteSize.ofBytes(status.allocated()),
                    Format.Image.VMDK,
                    header.parent(),
                    header.parent() == null ? null : Format.Image.VMDK.word(),
                    header.extentFile(),
                    status.changeTime(),
                    null);
        } catch (BadImageException e) {
            return raw(file, status, INVALID, e.getMessage());
        }
    }

    private static ImageInfo raw(Path file, FileStatus status, Format format, @Nullable String defect)
            throws IOException {
        long bytes = status.isBlockDevice() ? deviceSize(file) : status.size();
        return new ImageInfo(
                ByteSize.ofBytes(roundedToSectors(bytes)),
                ByteSize.ofBytes(status.allocated()),
                format,
                null,
                null,
                null,
                status.changeTime(),
                defect);
    }

    private static long deviceSize(Path device) throws IOException {
        try (FileChannel channel = FileChannel.open(device, StandardOpenOption.READ)) {
            return channel.size();
        }
    }

    private static long roundedToSectors(long bytes) {
        long rest = bytes % SECTOR_BYTES;
        return rest == 0 || bytes > Long.MAX_VALUE - SECTOR_BYTES ? bytes : bytes - rest + SECTOR_BYTES;
    }

    /**
     * Whether the file begins like an image of a format that can name other files. QEMU would take it for one if it had to
     * guess, so a raw image that does was written by a guest that wants to read the host's files.
     */
    public static boolean mayNameOtherFiles(Path file) throws IOException {
        try (ImageFile image = ImageFile.open(file, ByteOrder.BIG_ENDIAN)) {
            if (image.size() < Integer.BYTES) {
                return false;
            }
            int magic = image.int32(0);
            return magic == Qcow2Header.MAGIC
                    || magic == QED_MAGIC
                    || magic == COWD_MAGIC
                    || magic == SPARSE_VMDK_MAGIC
                    || VmdkHeader.isDescriptor(image);
        } catch (BadImageException e) {
            return false;
        }
    }
}

package dev.tenon.core.image;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An image of which only the content tells the format, as other programs name their files. Its size is all that may be asked
 * of it: for everything else the format must be told, because who wrote the image may have written any header into it.
 */
public final class UnknownImage {
    private static final String RAW = "raw";
    private static final String QCOW2 = "qcow2";
    private static final String VMDK = "vmdk";
    /** One of ESX 2, which only qemu-img reads. */
    private static final String OLD_VMDK = "vmdk3";

    /** How images begin, by the names of qemu-img. A fixed VHD begins with the disk, and is raw to QEMU too. */
    private static final List<Kind> KINDS = List.of(
            new Kind(QCOW2, 0, "QFI\u00fb\0\0\0\2"),
            new Kind(QCOW2, 0, "QFI\u00fb\0\0\0\3"),
            new Kind("qcow", 0, "QFI\u00fb\0\0\0\1"),
            new Kind("qed", 0, "QED\0"),
            new Kind(VMDK, 0, "KDMV"),
            new Kind(OLD_VMDK, 0, "COWD"),
            new Kind("vdi", 64, "\u007f\u0010\u00da\u00be"),
            new Kind("vpc", 0, "conectix"),
            new Kind("vhdx", 0, "vhdxfile"),
            new Kind("parallels", 0, "WithoutFreeSpace"),
            new Kind("parallels", 0, "WithouFreSpacExt"));

    private record Kind(String format, int offset, String magic) {
        boolean begins(ImageFile image) throws IOException, BadImageException {
            return image.size() >= offset + magic.length()
                    && StandardCharsets.ISO_8859_1
                            .decode(image.at(offset, magic.length()))
                            .toString()
                            .equals(magic);
        }
    }

    private UnknownImage() {}

    /**
     * The size that a guest sees.
     *
     * @throws java.nio.file.NoSuchFileException if there is no such file
     * @throws IOException if it cannot be read or its header is broken
     * @throws dev.tenon.core.spi.StorageException {@code COMMAND_FAILED} if qemu-img, which reads the formats that are not
     *     images of PVE, cannot read it
     */
    public static ByteSize virtualSize(Path file) throws IOException {
        String format = FileStatus.of(file).isRegularFile() ? format(file) : RAW;
        return switch (format) {
            case RAW -> ImageInfo.read(file, Format.Image.RAW).size();
            case QCOW2 -> size(file, Format.Image.QCOW2);
            case VMDK -> size(file, Format.Image.VMDK);
            case OLD_VMDK -> QemuImg.virtualSize(file, VMDK);
            default -> QemuImg.virtualSize(file, format);
        };
    }

    private static ByteSize size(Path file, Format.Image format) throws IOException {
        ImageInfo info = ImageInfo.read(file, format);
        if (info.defect() != null) {
            throw broken(file, "it begins like an image in " + format.word() + " format, but " + info.defect());
        }
        return info.size();
    }

    private static String format(Path file) throws IOException {
        try (ImageFile image = ImageFile.open(file, ByteOrder.BIG_ENDIAN)) {
            for (Kind kind : KINDS) {
                if (kind.begins(image)) {
                    return kind.format();
                }
            }
            return VmdkHeader.isDescriptor(image) ? VMDK : RAW;
        } catch (BadImageException e) {
            throw broken(file, e.getMessage());
        }
    }

    private static FileSystemException broken(Path file, @Nullable String why) {
        return new FileSystemException(file.toString(), null, why);
    }
}

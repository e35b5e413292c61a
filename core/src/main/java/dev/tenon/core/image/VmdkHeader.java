package dev.tenon.core.image;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What matters here of a vmdk image: a sparse file that holds all its data, or a text that describes other files.
 *
 * @param virtualSize bytes
 * @param parent the name of the image this one is a difference to, null if there is none
 * @param extentFile the name of another file that holds data, null if there is none
 */
record VmdkHeader(
        long virtualSize, @Nullable String parent, @Nullable String extentFile) {
    static final int SPARSE_MAGIC = 0x564d444b; // "KDMV" read as little endian

    /** How a descriptor begins: mostly with a comment, and blank lines may be before and after it. */
    private static final Pattern DESCRIPTOR =
            Pattern.compile("(?:\\s++|#(?! Disk DescriptorFile)[^\\n]*+\\n)*+(?:# Disk DescriptorFile|version=)");

    /** What QEMU needs of a file that it is told to be one, wherever it stands. */
    private static final String TYPE_KEY = "createType=";

    /** What QEMU reads of a file to guess its format. */
    private static final int GUESSED_BYTES = 2048;

    private static final int SPARSE_HEADER_BYTES = 512;
    private static final int CAPACITY_OFFSET = 12;
    private static final int DESCRIPTOR_OFFSET_OFFSET = 28;
    private static final int GRAIN_DIRECTORY_OFFSET = 56;
    /** A stream-optimized image has its valid header near its end. */
    private static final long GRAIN_DIRECTORY_AT_END = -1;

    private static final int FOOTER_FROM_END = 1024;

    /** Where QEMU looks for the parent, whatever the header says. */
    private static final int EMBEDDED_DESCRIPTOR_OFFSET = 512;

    private static final int EMBEDDED_DESCRIPTOR_BYTES = 20 * 512;
    private static final int LONGEST_DESCRIPTOR = 1024 * 1024;
    private static final int LONGEST_FILE_NAME = 1023;
    /** What the decoder puts in the place of a byte that it cannot decode. */
    private static final char NOT_UTF_8 = '\ufffd';

    private static final int SECTOR_BYTES = 512;
    private static final long MOST_SECTORS = Long.MAX_VALUE / SECTOR_BYTES;

    private static final String PARENT_KEY = "parentFileNameHint";
    /** The {@code ="} after the key; QEMU skips two characters whatever they are, and so does this. */
    private static final int BEFORE_PARENT_NAME = 2;

    private static final Pattern EXTENT =
            Pattern.compile("(?m)^\\s*(?:RW|RDONLY|NOACCESS)\\s+(\\d{1,16})\\s+(\\w+)(?:\\s+\"([^\"\\n]*)\")?");

    static VmdkHeader read(ImageFile image) throws IOException, BadImageException {
        if (image.size() >= SPARSE_HEADER_BYTES && image.int32(0) == SPARSE_MAGIC) {
            return readSparse(image);
        }
        String text = text(image, 0, (int) Math.min(image.size(), LONGEST_DESCRIPTOR));
        if (DESCRIPTOR.matcher(text).lookingAt() || text.contains(TYPE_KEY)) {
            return readDescriptor(text);
        }
        throw new BadImageException("it does not begin like one");
    }

    /** Whether QEMU would take the file for a text that describes other files if it had to guess; rather too often. */
    static boolean isDescriptor(ImageFile image) throws IOException, BadImageException {
        return DESCRIPTOR
                .matcher(text(image, 0, (int) Math.min(image.size(), GUESSED_BYTES)))
                .lookingAt();
    }

    private static VmdkHeader readSparse(ImageFile image) throws IOException, BadImageException {
        long header = 0;
        if (image.int64(GRAIN_DIRECTORY_OFFSET) == GRAIN_DIRECTORY_AT_END) {
            header = image.size() - FOOTER_FROM_END;
            if (header < SPARSE_HEADER_BYTES || image.int32(header) != SPARSE_MAGIC) {
                throw new BadImageException("it has no footer");
            }
        }
        long sectors = image.int64(header + CAPACITY_OFFSET);
        if (sectors == 0 && image.int64(header + DESCRIPTOR_OFFSET_OFFSET) != 0) {
            throw new BadImageException("it embeds a descriptor of other files");
        }
        if (sectors < 0 || sectors > MOST_SECTORS) {
            throw new BadImageException("its capacity is " + Long.toUnsignedString(sectors) + " sectors");
        }
        long room = Math.max(0, image.size() - EMBEDDED_DESCRIPTOR_OFFSET);
        String descriptor = text(image, EMBEDDED_DESCRIPTOR_OFFSET, (int) Math.min(room, EMBEDDED_DESCRIPTOR_BYTES));
        return new VmdkHeader(sectors * SECTOR_BYTES, parent(descriptor), null);
    }

    private static VmdkHeader readDescriptor(String descriptor) throws BadImageException {
        long sectors = 0;
        String extentFile = null;
        Matcher extent = EXTENT.matcher(descriptor);
        while (extent.find()) {
            sectors += Long.parseLong(extent.group(1));
            if (sectors > MOST_SECTORS) {
                throw new BadImageException("its extents have " + sectors + " sectors");
            }
            if (extentFile == null) {
                extentFile = extent.group(3);
            }
        }
        return new VmdkHeader(sectors * SECTOR_BYTES, parent(descriptor), extentFile == null ? "" : extentFile);
    }

    private static @Nullable String parent(String descriptor) throws BadImageException {
        int key = descriptor.indexOf(PARENT_KEY);
        if (key < 0) {
            return null;
        }
        int begin = key + PARENT_KEY.length() + BEFORE_PARENT_NAME;
        int end = descriptor.indexOf('"', begin);
        if (end < 0 || end - begin > LONGEST_FILE_NAME) {
            throw new BadImageException("the name of its parent has no end");
        }
        String name = descriptor.substring(begin, end);
        if (name.indexOf(NOT_UTF_8) >= 0) {
            throw new BadImageException("the name of its parent is not UTF-8");
        }
        return name.isEmpty() ? null : name;
    }

    private static String text(ImageFile image, long offset, int length) throws IOException, BadImageException {
        String text = StandardCharsets.UTF_8.decode(image.at(offset, length)).toString();
        int end = text.indexOf('\0');
        return end < 0 ? text : text.substring(0, end);
    }
}

package dev.tenon.core.storage.directory;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A tar archive that somebody brought, of which one small file is read. It is not unpacked, and only the headers are read of
 * everything before that file, whatever it weighs. Knows the long names and sizes of GNU tar and of POSIX.
 */
final class OvaArchive implements Closeable {
    private static final int BLOCK = 512;
    private static final int NAME_BYTES = 100;
    private static final int SIZE_AT = 124;
    private static final int SIZE_BYTES = 12;
    private static final int CHECKSUM_AT = 148;
    private static final int CHECKSUM_BYTES = 8;
    private static final int TYPE_AT = 156;

    private static final char OLD_FILE = '\0';
    private static final char FILE = '0';
    private static final char CONTIGUOUS_FILE = '7';
    private static final char LONG_NAME = 'L';
    private static final char LONG_LINK = 'K';
    private static final char RECORDS = 'x';
    private static final char RECORDS_OF_ALL = 'g';

    private static final int BINARY_NUMBER = 0x80;
    private static final int OCTAL = 8;
    /** Far more than the names and attributes of a file need. */
    private static final int LONGEST_RECORDS = 1024 * 1024;
    /** So many that a forged archive keeps nobody busy for long. */
    private static final int MOST_HEADERS = 100_000;

    private static final Pattern RECORD = Pattern.compile("\\d+ (path|size)=([^\n]*)\n");

    private final FileChannel channel;
    private long position;
    private int headers;

    private OvaArchive(FileChannel channel) {
        this.channel = channel;
    }

    /** The file is no archive, or a part of it is missing. */
    static final class BadArchiveException extends Exception {
        private static final long serialVersionUID = 1L;

        BadArchiveException(String why) {
            super(why);
        }
    }

    private record Member(String name, char type, long size) {
        boolean isFile() {
            return type == FILE || type == OLD_FILE || type == CONTIGUOUS_FILE;
        }
    }

    static OvaArchive open(Path file) throws IOException {
        return new OvaArchive(FileChannel.open(file, StandardOpenOption.READ));
    }

    /**
     * What the first regular file holds that is not empty and whose name, without its directory, is wanted.
     *
     * @param longest the most bytes that it may have
     */
    Optional<byte[]> first(Predicate<String> wanted, long longest) throws IOException, BadArchiveException {
        for (Member member = next(); member != null; member = next()) {
            String name = member.name().substring(member.name().lastIndexOf('/') + 1);
            if (member.isFile() && member.size() > 0 && wanted.test(name)) {
                if (member.size() > longest) {
                    throw new BadArchiveException("its file '" + name + "' has " + member.size()
                            + " bytes and the most allowed is " + longest);
                }
                return Optional.of(read((int) member.size()));
            }
            skip(member.size());
        }
        return Optional.empty();
    }

    /** The next file, after whose header we are then; null at the end. */
    private @Nullable Member next() throws IOException, BadArchiveException {
        String name = null;
        Long size = null;
        while (position < channel.size()) {
            byte[] header = read(BLOCK);
            if (isEmpty(header)) {
                return null;
            }
            refuseForged(header);
            Member member =
                    new Member(name == null ? text(header, NAME_BYTES) : name, (char) header[TYPE_AT], size(header));
            switch (member.type()) {
                case LONG_NAME -> name = content(member);
                case RECORDS -> {
                    Matcher record = RECORD.matcher(content(member));
                    while (record.find()) {
                        if (record.group(1).equals("path")) {
                            name = record.group(2);
                        } else {
                            size = decimal(record.group(2));
                        }
                    }
                }
                case LONG_LINK, RECORDS_OF_ALL -> skip(member.size());
                default -> {
                    return size == null ? member : new Member(member.name(), member.type(), size);
                }
            }
        }
        return null;
    }

    private String content(Member member) throws IOException, BadArchiveException {
        if (member.size() > LONGEST_RECORDS) {
            throw new BadArchiveException("a name in it has " + member.size() + " bytes");
        }
        long begin = position;
        byte[] bytes = read((int) member.size());
        position = begin;
        skip(member.size());
        return text(bytes, bytes.length);
    }

    private void skip(long bytes) throws BadArchiveException {
        long end = position + bytes + (BLOCK - bytes % BLOCK) % BLOCK;
        if (end < position) {
            throw new BadArchiveException("a file in it has " + bytes + " bytes");
        }
        position = end;
    }

    private byte[] read(int length) throws IOException, BadArchiveException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, position + bytes.position()) < 0) {
                throw new BadArchiveException(
                        headers == 0 ? "it is no tar archive" : "it breaks off after " + channel.size() + " bytes");
            }
        }
        position += length;
        return bytes.array();
    }

    private void refuseForged(byte[] header) throws BadArchiveException {
        long sum = 0;
        for (int i = 0; i < BLOCK; i++) {
            boolean isChecksum = i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_BYTES;
            sum += isChecksum ? ' ' : Byte.toUnsignedInt(header[i]);
        }
        if (octal(header, CHECKSUM_AT, CHECKSUM_BYTES) != sum) {
            throw new BadArchiveException("it is no tar archive, or is damaged at byte " + (position - BLOCK));
        }
        if (++headers > MOST_HEADERS) {
            throw new BadArchiveException("it has more than " + MOST_HEADERS + " files");
        }
    }

    private static boolean isEmpty(byte[] block) {
        for (byte b : block) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    private static long size(byte[] header) throws BadArchiveException {
        if ((header[SIZE_AT] & BINARY_NUMBER) == 0) {
            return octal(header, SIZE_AT, SIZE_BYTES);
        }
        long size = ByteBuffer.wrap(header, SIZE_AT + SIZE_BYTES - Long.BYTES, Long.BYTES)
                .getLong();
        if (size < 0) {
            throw new BadArchiveException("a file in it has a negative size");
        }
        return size;
    }

    private static long octal(byte[] header, int offset, int length) throws BadArchiveException {
        String digits = new String(header, offset, length, StandardCharsets.ISO_8859_1)
                .replace('\0', ' ')
                .strip();
        if (!digits.matches("[0-7]{0,12}")) {
            throw new BadArchiveException("it is no tar archive, or is damaged");
        }
        return digits.isEmpty() ? 0 : Long.parseLong(digits, OCTAL);
    }

    private static long decimal(String digits) throws BadArchiveException {
        if (!digits.matches("\\d{1,18}")) {
            throw new BadArchiveException("a file in it has the size '" + digits + "'");
        }
        return Long.parseLong(digits);
    }

    private static String text(byte[] bytes, int longest) {
        int end = 0;
        while (end < longest && bytes[end] != 0) {
            end++;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}

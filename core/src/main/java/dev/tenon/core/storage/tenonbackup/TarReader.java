package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.repository.FileContent;
import dev.tenon.core.backup.repository.TreeEntry;
import dev.tenon.core.backup.vma.BadArchiveException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads tar archives from a stream: of the formats ustar, GNU and pax, with sparse files as GNU tar writes them in pax (1.0).
 * Whatever else is in one is refused. For one thread.
 */
final class TarReader {
    /** Of a name, and of an attribute, of which Linux takes no longer ones. */
    private static final int LARGEST_VALUE = 64 << 10;

    /** Of names and attributes of one member, and of those that all have. */
    private static final int LARGEST_HEADER = 1 << 20;

    /** As text, of a sparse file. */
    private static final int LARGEST_MAP = 32 << 20;

    /** Zeroes behind the last member, by which archives are filled up for tapes. */
    private static final int LARGEST_END = 64 << 20;

    private static final int BLOCK = TarHeader.BLOCK;
    private static final String ATTRIBUTE = "SCHILY.xattr.";

    private final InputStream in;
    private long at;
    private long left;
    private int padding;
    private final Map<String, byte[]> global = new HashMap<>();
    private int globalSize;

    TarReader(InputStream in) {
        this.in = in;
    }

    /**
     * A member. Its bytes come from {@link #read}, before the next one is asked for.
     *
     * @param entry with the path as it is in the archive, and the target of a link
     * @param lists access lists as text, by the end of their attribute's name, which has no such attribute
     * @param size of a file, with its holes
     * @param data where the bytes of a file are
     */
    record Member(TreeEntry entry, Map<String, String> lists, long size, List<FileContent.Data> data) {}

    private BadArchiveException damaged(String why) {
        return new BadArchiveException("the archive is damaged or cut at byte " + at + ": " + why);
    }

    /** The next member; null after the last. */
    @Nullable
    Member next() throws IOException {
        Map<String, byte[]> pax = new HashMap<>(global);
        int headers = 0;
        while (true) {
            skip(left);
            skip(padding);
            left = 0;
            padding = 0;
            byte[] header = new byte[BLOCK];
            long begin = at;
            if (!fill(header)) {
                throw damaged("it has no end");
            }
            if (isZero(header)) {
                end();
                return null;
            }
            check(header);
            long size = number(header, 124, 12);
            if (size < 0) {
                throw damaged("a member has a negative size");
            }
            char type = (char) header[156];
            if (type == 'x' || type == 'L' || type == 'K') {
                headers = withinLimit(headers, size);
            }
            switch (type) {
                case 'x' -> records(content(size), pax);
                case 'g' -> {
                    globalSize = withinLimit(globalSize, size);
                    records(content(size), global);
                    global.forEach(pax::putIfAbsent);
                }
                case 'L' -> pax.put("path", withoutEnd(content(size)));
                case 'K' -> pax.put("linkpath", withoutEnd(content(size)));
                default -> {
                    return member(header, type, size, pax, begin);
                }
            }
        }
    }

    private int withinLimit(int before, long size) throws BadArchiveException {
        if (size > LARGEST_HEADER - before) {
            throw damaged(
                    "it has more than " + LARGEST_HEADER + " bytes of names and attributes of one member or of all");
        }
        return before + (int) size;
    }

    /**
     * Reads what is behind the last member: only so does a program that unpacks tell whether all before was right. It has to be
     * zeroes, or what looked like the end was none.
     */
    private void end() throws IOException {
        byte[] block = new byte[BLOCK * 20];
        long zeroes = 0;
        int read;
        while ((read = in.readNBytes(block, 0, block.length)) > 0) {
            at += read;
            zeroes += read;
            if (!isZero(block) || zeroes > LARGEST_END) {
                throw damaged("it goes on behind its end");
            }
        }
    }

    private byte[] withoutEnd(byte[] name) throws BadArchiveException {
        int length = name.length;
        while (length > 0 && name[length - 1] == 0) {
            length--;
        }
        if (length > LARGEST_VALUE) {
            throw damaged("a name has " + length + " bytes");
        }
        return Arrays.copyOf(name, length);
    }

    private static boolean isZero(byte[] block) {
        for (byte b : block) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    private void check(byte[] header) throws IOException {
        int sum = 0;
        for (int i = 0; i < BLOCK; i++) {
            sum += i >= 148 && i < 156 ? ' ' : header[i] & 0xff;
        }
        if (sum != number(header, 148, 8)) {
            throw damaged("a header has a wrong checksum");
        }
    }

    private Member member(byte[] header, char type, long stored, Map<String, byte[]> pax, long begin)
            throws IOException {
        String path = pax.containsKey("path") ? latin(pax.get("path")) : name(header);
        TreeEntry.Kind kind = kind(type, path);
        long size = kind == TreeEntry.Kind.FILE ? number(pax, "size", stored) : 0;
        begin(kind == TreeEntry.Kind.FILE ? size : stored);
        List<FileContent.Data> data = size == 0 ? List.of() : List.of(new FileContent.Data(0, size));
        if (pax.containsKey("GNU.sparse.major") || pax.containsKey("GNU.sparse.map")) {
            boolean isKnown = "1".equals(latin(pax.get("GNU.sparse.major"))) && pax.containsKey("GNU.sparse.realsize");
            if (!isKnown) {
                throw new BadArchiveException(
                        "the archive has a sparse file of another form than GNU tar's 1.0 at byte " + begin
                                + ": make it anew with 'tar --format=pax --sparse'");
            }
            path = pax.containsKey("GNU.sparse.name") ? latin(pax.get("GNU.sparse.name")) : path;
            size = number(pax, "GNU.sparse.realsize", 0);
            data = map(size);
        }
        BigDecimal modified = modified(header, pax);
        long seconds = modified.setScale(0, RoundingMode.FLOOR).longValue();
        int nanos =
                modified.subtract(BigDecimal.valueOf(seconds)).movePointRight(9).intValue();
        SortedMap<String, byte[]> attributes = new TreeMap<>();
        Map<String, String> lists = new TreeMap<>();
        pax.forEach((key, value) -> {
            if (key.startsWith(ATTRIBUTE)) {
                attributes.put(
                        key.substring(ATTRIBUTE.length()).replace("%3D", "=").replace("%25", "%"), value);
            } else if (key.startsWith("SCHILY.acl.")) {
                lists.put(key.substring("SCHILY.acl.".length()), latin(value));
            }
        });
        String target = pax.containsKey("linkpath") ? latin(pax.get("linkpath")) : text(header, 157, 100);
        boolean isLink = kind == TreeEntry.Kind.SYMBOLIC_LINK || kind == TreeEntry.Kind.HARD_LINK;
        boolean isDevice = kind == TreeEntry.Kind.CHARACTER_DEVICE || kind == TreeEntry.Kind.BLOCK_DEVICE;
        TreeEntry entry = new TreeEntry(
                path,
                kind,
                (int) number(header, 100, 8) & 07777,
                number(pax, "uid", number(header, 108, 8)),
                number(pax, "gid", number(header, 116, 8)),
                seconds,
                nanos,
                TreeEntry.Known.NOT,
                isDevice ? (int) number(header, 329, 8) : 0,
                isDevice ? (int) number(header, 337, 8) : 0,
                isLink ? target : "",
                attributes,
                TreeEntry.Content.NONE);
        return new Member(entry, lists, size, data);
    }

    private TreeEntry.Kind kind(char type, String path) throws IOException {
        return switch (type) {
            case '0', '\0', '7' -> path.endsWith("/") ? TreeEntry.Kind.DIRECTORY : TreeEntry.Kind.FILE;
            case '1' -> TreeEntry.Kind.HARD_LINK;
            case '2' -> TreeEntry.Kind.SYMBOLIC_LINK;
            case '3' -> TreeEntry.Kind.CHARACTER_DEVICE;
            case '4' -> TreeEntry.Kind.BLOCK_DEVICE;
            case '5' -> TreeEntry.Kind.DIRECTORY;
            case '6' -> TreeEntry.Kind.PIPE;
            default ->
                throw new BadArchiveException("the archive has a member of type '" + type + "' before byte " + at
                        + ", which is none that a backup of a container has");
        };
    }

    private void begin(long size) {
        left = size;
        padding = (int) ((BLOCK - size % BLOCK) % BLOCK);
    }

    /** The map of a sparse file, which is before its bytes. */
    private List<FileContent.Data> map(long size) throws IOException {
        List<FileContent.Data> data = new ArrayList<>();
        long[] used = {0};
        long count = line(used);
        long end = 0;
        for (long i = 0; i < count; i++) {
            long offset = line(used);
            long length = line(used);
            if (offset < end || length < 0 || length > size - offset) {
                throw damaged("a sparse file has an impossible map");
            }
            end = offset + length;
            if (length > 0) {
                data.add(new FileContent.Data(offset, length));
            }
        }
        byte[] rest = new byte[(int) ((BLOCK - used[0] % BLOCK) % BLOCK)];
        readFully(rest);
        if (data.stream().mapToLong(FileContent.Data::length).sum() != left) {
            throw damaged("a sparse file has not the bytes that its map tells");
        }
        return data;
    }

    private long line(long[] used) throws IOException {
        long number = 0;
        byte[] one = new byte[1];
        for (int digits = 0; digits < 19; digits++) {
            readFully(one);
            used[0]++;
            if (one[0] == '\n' && digits > 0) {
                return number;
            }
            if (one[0] < '0' || one[0] > '9' || used[0] > LARGEST_MAP) {
                break;
            }
            number = number * 10 + one[0] - '0';
        }
        throw damaged("a sparse file has an impossible map");
    }

    private void readFully(byte[] to) throws IOException {
        if (read(to, 0, to.length) < to.length) {
            throw damaged("a file is shorter than its header tells");
        }
    }

    /** Reads bytes of the member, as many as are asked for if it has them. */
    int read(byte[] to, int offset, int length) throws IOException {
        int wanted = (int) Math.min(length, left);
        int read = in.readNBytes(to, offset, wanted);
        at += read;
        left -= read;
        if (read < wanted) {
            throw damaged("it ends within a file");
        }
        return read;
    }

    private void skip(long bytes) throws IOException {
        try {
            in.skipNBytes(bytes);
        } catch (EOFException e) {
            throw damaged("it ends within a file");
        }
        at += bytes;
    }

    private boolean fill(byte[] block) throws IOException {
        int read = in.readNBytes(block, 0, block.length);
        at += read;
        return read == block.length;
    }

    /** Of a header, whose size was found to be in its limit. */
    private byte[] content(long size) throws IOException {
        byte[] bytes = new byte[(int) size];
        begin(size);
        readFully(bytes);
        return bytes;
    }

    /** Lines of a length, a key and a value. */
    private void records(byte[] bytes, Map<String, byte[]> pax) throws IOException {
        int begin = 0;
        while (begin < bytes.length) {
            int space = begin;
            int length = 0;
            while (space < bytes.length && bytes[space] >= '0' && bytes[space] <= '9' && space - begin < 9) {
                length = length * 10 + bytes[space++] - '0';
            }
            int end = begin + length;
            int equals = space;
            while (equals < bytes.length && bytes[equals] != '=') {
                equals++;
            }
            boolean isWhole = space > begin
                    && space < bytes.length
                    && bytes[space] == ' '
                    && end > equals
                    && end <= bytes.length
                    && bytes[end - 1] == '\n';
            if (!isWhole) {
                throw damaged("a header has an impossible record");
            }
            if (end - equals > LARGEST_VALUE + 2) {
                throw damaged("an attribute or a name has more than " + LARGEST_VALUE + " bytes");
            }
            pax.put(
                    new String(bytes, space + 1, equals - space - 1, StandardCharsets.UTF_8),
                    Arrays.copyOfRange(bytes, equals + 1, end - 1));
            begin = end;
        }
    }

    private static String latin(byte @Nullable [] bytes) {
        return bytes == null ? "" : new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static String text(byte[] header, int offset, int length) {
        int end = offset;
        while (end < offset + length && header[end] != 0) {
            end++;
        }
        return new String(header, offset, end - offset, StandardCharsets.ISO_8859_1);
    }

    /** Only POSIX's form has the first part of a long name there. */
    private static String name(byte[] header) {
        boolean isPosix = text(header, 257, 6).equals("ustar");
        String prefix = isPosix ? text(header, 345, 155) : "";
        return prefix.isEmpty() ? text(header, 0, 100) : prefix + "/" + text(header, 0, 100);
    }

    /** In octal, or in binary where that was too small. */
    private long number(byte[] header, int offset, int length) throws IOException {
        if ((header[offset] & 0x80) != 0) {
            long value = (header[offset] & 0x40) != 0 ? -1 : header[offset] & 0x3f;
            for (int i = offset + 1; i < offset + length; i++) {
                if (value > Long.MAX_VALUE >> Byte.SIZE || value < Long.MIN_VALUE >> Byte.SIZE) {
                    throw damaged("a header has an impossible number");
                }
                value = (value << Byte.SIZE) | (header[i] & 0xff);
            }
            return value;
        }
        String digits = text(header, offset, length).strip();
        try {
            return digits.isEmpty() ? 0 : Long.parseLong(digits, 8);
        } catch (NumberFormatException e) {
            throw damaged("a header has an impossible number");
        }
    }

    private long number(Map<String, byte[]> pax, String key, long otherwise) throws IOException {
        byte[] digits = pax.get(key);
        try {
            long number = digits == null ? otherwise : Long.parseLong(latin(digits));
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw damaged("a header has an impossible number");
    }

    private BigDecimal modified(byte[] header, Map<String, byte[]> pax) throws IOException {
        byte[] text = pax.get("mtime");
        try {
            // A number with an exponent would be as long as it likes.
            return text == null
                    ? BigDecimal.valueOf(number(header, 136, 12))
                    : new BigDecimal(latin(text).matches("-?[0-9]{1,18}(\\.[0-9]{1,30})?") ? latin(text) : "x");
        } catch (NumberFormatException e) {
            throw damaged("a header has an impossible time");
        }
    }

    /** All bytes of the member, of which there are not many. */
    byte[] all(int most) throws IOException {
        if (left > most) {
            throw damaged("a configuration has " + left + " bytes");
        }
        byte[] bytes = new byte[(int) left];
        readFully(bytes);
        return bytes;
    }
}

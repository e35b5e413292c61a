package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.repository.FileContent;
import dev.tenon.core.backup.repository.TreeEntry;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What is before the bytes of an entry in a tar archive of the pax format. Sparse files are as GNU tar has them (1.0), and
 * access lists are there twice, as attributes and as text with numbers, since a reader may take only one of them.
 */
final class TarHeader {
    static final int BLOCK = 512;

    private static final String LIST = "system.posix_acl_";
    private static final long LARGEST_OCTAL = 0x1_ffff_ffffL;
    private static final int LARGEST_ID = 07777777;
    private static final int NAME = 100;

    private TarHeader() {}

    /** The name of a path in the archive. */
    static String name(String path) {
        return path.isEmpty() ? "./" : "./" + path;
    }

    /**
     * The header, in whole blocks.
     *
     * @param path in the archive
     * @param target of a link, in the archive if it is a hard link
     * @param size of the file; 0 for others
     * @param data of a file that has holes; empty if it has none
     */
    static byte[] of(TreeEntry entry, String path, String target, long size, List<FileContent.Data> data) {
        boolean isSparse = entry.kind() == TreeEntry.Kind.FILE
                && data.stream().mapToLong(FileContent.Data::length).sum() < size;
        byte[] map = isSparse ? map(data, size) : new byte[0];
        long stored = isSparse
                ? map.length + data.stream().mapToLong(FileContent.Data::length).sum()
                : size;
        boolean isDirectory = entry.kind() == TreeEntry.Kind.DIRECTORY;
        String shown = isDirectory && !path.endsWith("/") ? path + "/" : path;
        SortedMap<String, byte[]> pax = pax(entry);
        String name = shown;
        if (isSparse) {
            pax.put("GNU.sparse.major", latin("1"));
            pax.put("GNU.sparse.minor", latin("0"));
            pax.put("GNU.sparse.name", latin(shown));
            pax.put("GNU.sparse.realsize", latin(Long.toString(size)));
            name = "./GNUSparseFile.0/" + shown.substring(shown.lastIndexOf('/') + 1);
        }
        // Octal numbers and short names are for what fits.
        if (name.length() > NAME || !isAscii(name)) {
            pax.put("path", latin(name));
        }
        if (target.length() > NAME || !isAscii(target)) {
            pax.put("linkpath", latin(target));
        }
        if (stored > LARGEST_OCTAL) {
            pax.put("size", latin(Long.toString(stored)));
        }
        if (entry.owner() > LARGEST_ID) {
            pax.put("uid", latin(Long.toString(entry.owner())));
        }
        if (entry.group() > LARGEST_ID) {
            pax.put("gid", latin(Long.toString(entry.group())));
        }
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        if (!pax.isEmpty()) {
            byte[] records = records(pax);
            header.writeBytes(block(entry, "./PaxHeaders/0", "", 'x', records.length));
            header.writeBytes(padded(records));
        }
        header.writeBytes(block(entry, name, target, type(entry.kind()), stored));
        header.writeBytes(map);
        return header.toByteArray();
    }

    private static char type(TreeEntry.Kind kind) {
        return switch (kind) {
            case FILE -> '0';
            case HARD_LINK -> '1';
            case SYMBOLIC_LINK -> '2';
            case CHARACTER_DEVICE -> '3';
            case BLOCK_DEVICE -> '4';
            case DIRECTORY -> '5';
            case PIPE -> '6';
        };
    }

    private static SortedMap<String, byte[]> pax(TreeEntry entry) {
        SortedMap<String, byte[]> pax = new TreeMap<>();
        if (entry.kind() == TreeEntry.Kind.HARD_LINK) {
            return pax;
        }
        if (entry.nanos() != 0 || entry.seconds() < 0 || entry.seconds() > LARGEST_OCTAL) {
            pax.put("mtime", latin(seconds(entry.seconds(), entry.nanos())));
        }
        entry.attributes().forEach((key, value) -> {
            pax.put("SCHILY.xattr." + key.replace("%", "%25").replace("=", "%3D"), value);
            if (key.startsWith(LIST)) {
                pax.put("SCHILY.acl." + key.substring(LIST.length()), latin(text(value)));
            }
        });
        return pax;
    }

    /** A time before 1970 is less than its whole seconds. */
    private static String seconds(long seconds, int nanos) {
        if (seconds < 0 && nanos > 0) {
            return (seconds == -1 ? "-0" : Long.toString(seconds + 1)) + "."
                    + String.format("%09d", 1_000_000_000 - nanos);
        }
        return seconds + (nanos == 0 ? "" : "." + String.format("%09d", nanos));
    }

    /** An access list as text, with numbers. */
    private static String text(byte[] list) {
        ByteBuffer from = ByteBuffer.wrap(list).order(ByteOrder.LITTLE_ENDIAN);
        StringBuilder text = new StringBuilder();
        for (int at = 4; at + 8 <= list.length; at += 8) {
            String id = Integer.toUnsignedString(from.getInt(at + 4));
            int rights = from.getShort(at + 2);
            text.append(text.isEmpty() ? "" : ",")
                    .append(
                            switch (from.getShort(at)) {
                                case 1 -> "user::";
                                case 2 -> "user:" + id + ":";
                                case 4 -> "group::";
                                case 8 -> "group:" + id + ":";
                                case 16 -> "mask::";
                                default -> "other::";
                            })
                    .append((rights & 4) != 0 ? 'r' : '-')
                    .append((rights & 2) != 0 ? 'w' : '-')
                    .append((rights & 1) != 0 ? 'x' : '-');
        }
        return text.toString();
    }

    private static byte[] records(Map<String, byte[]> pax) {
        ByteArrayOutputStream records = new ByteArrayOutputStream();
        pax.forEach((key, value) -> {
            int rest = key.length() + value.length + 3;
            int length = rest + Integer.toString(rest).length();
            if (Integer.toString(length).length() > Integer.toString(rest).length()) {
                length = rest + Integer.toString(length).length();
            }
            records.writeBytes(latin(length + " " + key + "="));
            records.writeBytes(value);
            records.write('\n');
        });
        return records.toByteArray();
    }

    /** Where the data are in a sparse file: their number, and the offset and the length of each. */
    private static byte[] map(List<FileContent.Data> data, long size) {
        StringBuilder map = new StringBuilder();
        boolean endsWithHole =
                data.isEmpty() || data.getLast().offset() + data.getLast().length() < size;
        map.append(data.size() + (endsWithHole ? 1 : 0)).append('\n');
        data.forEach(each ->
                map.append(each.offset()).append('\n').append(each.length()).append('\n'));
        if (endsWithHole) {
            map.append(size).append("\n0\n");
        }
        return padded(latin(map.toString()));
    }

    private static byte[] block(TreeEntry entry, String name, String target, char type, long size) {
        byte[] block = new byte[BLOCK];
        put(block, 0, NAME, name);
        octal(block, 100, 8, entry.mode());
        octal(block, 108, 8, Math.min(entry.owner(), LARGEST_ID));
        octal(block, 116, 8, Math.min(entry.group(), LARGEST_ID));
        octal(block, 124, 12, Math.min(size, LARGEST_OCTAL));
        octal(block, 136, 12, Math.clamp(entry.seconds(), 0, LARGEST_OCTAL));
        block[156] = (byte) type;
        put(block, 157, NAME, target);
        put(block, 257, 8, "ustar\00000");
        octal(block, 329, 8, entry.major());
        octal(block, 337, 8, entry.minor());
        Arrays.fill(block, 148, 156, (byte) ' ');
        int sum = 0;
        for (byte each : block) {
            sum += each & 0xff;
        }
        octal(block, 148, 7, sum);
        return block;
    }

    private static void put(byte[] block, int at, int length, String text) {
        byte[] bytes = latin(text);
        System.arraycopy(bytes, 0, block, at, Math.min(length, bytes.length));
    }

    private static void octal(byte[] block, int at, int length, long number) {
        String digits = Long.toOctalString(number);
        put(block, at, length - 1, "0".repeat(Math.max(0, length - 1 - digits.length())) + digits);
    }

    private static boolean isAscii(String text) {
        return text.chars().allMatch(character -> character < 128);
    }

    private static byte[] latin(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] padded(byte[] bytes) {
        return Arrays.copyOf(bytes, (bytes.length + BLOCK - 1) / BLOCK * BLOCK);
    }
}

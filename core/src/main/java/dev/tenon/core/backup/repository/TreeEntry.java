package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.ByteSize;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A file, directory or whatever else is in a container's tree, as it is kept. Paths are strings of which each character is
 * one byte; they are relative to the root, which is empty itself.
 *
 * @param mode permission bits, set-id and sticky bits included
 * @param owner as the container counts
 * @param group as the container counts
 * @param known by which the next backup tells that the file is the same; {@link Known#NOT} if it must read it
 * @param major of a device, 0 for others
 * @param minor of a device, 0 for others
 * @param target of a symbolic link, or the path of which a hard link is another name; empty for others
 * @param attributes extended attributes, access lists among them, as the container sees them
 * @param content of a file; empty for others
 */
public record TreeEntry(
        String path,
        Kind kind,
        int mode,
        long owner,
        long group,
        long seconds,
        int nanos,
        Known known,
        int major,
        int minor,
        String target,
        SortedMap<String, byte[]> attributes,
        Content content) {
    /** What an entry is; its letter is in the repository. */
    public enum Kind {
        DIRECTORY('d'),
        FILE('f'),
        SYMBOLIC_LINK('l'),
        HARD_LINK('h'),
        CHARACTER_DEVICE('c'),
        BLOCK_DEVICE('b'),
        PIPE('p');

        private final char letter;

        Kind(char letter) {
            this.letter = letter;
        }

        /** As {@code ls} has it, but {@code f} for a file and {@code h} for a hard link. */
        public char letter() {
            return letter;
        }

        private static Kind of(byte letter) throws BadRepositoryException {
            for (Kind kind : values()) {
                if (kind.letter == letter) {
                    return kind;
                }
            }
            throw new BadRepositoryException(
                    "a tree has an entry of kind " + letter + ", which this version does not know; use a newer one");
        }
    }

    /** Which file it was, and when anything of it was changed last. */
    public record Known(long inode, long seconds, int nanos) {
        /** Nothing is known of it. */
        public static final Known NOT = new Known(0, 0, 0);
    }

    /** A part of a file: how long it is, and the chunk with it, or the list of its parts. */
    record Piece(long length, ChunkId id) {
        static final int BYTES = Long.BYTES + ChunkId.BYTES;
    }

    /**
     * The bytes of a file.
     *
     * @param isLong whether the pieces are lists of pieces
     */
    public record Content(boolean isLong, List<Piece> pieces) {
        public static final Content NONE = new Content(false, List.of());

        public Content {
            pieces = List.copyOf(pieces);
        }

        ByteSize size() {
            return ByteSize.ofBytes(pieces.stream().mapToLong(Piece::length).sum());
        }
    }

    public TreeEntry {
        attributes = Collections.unmodifiableSortedMap(new TreeMap<>(attributes));
    }

    /** Bytes of a file, 0 for others. */
    public ByteSize size() {
        return content.size();
    }

    /** The same with other content. */
    TreeEntry with(Content other) {
        return new TreeEntry(
                path, kind, mode, owner, group, seconds, nanos, known, major, minor, target, attributes, other);
    }

    /** The same without what only the next backup needs. */
    TreeEntry unknown() {
        return new TreeEntry(
                path, kind, mode, owner, group, seconds, nanos, Known.NOT, major, minor, target, attributes, content);
    }

    /** In the order of a tree: a directory is directly before what is in it. */
    public static int compare(String a, String b) {
        int length = Math.min(a.length(), b.length());
        for (int i = 0; i < length; i++) {
            char first = a.charAt(i);
            char second = b.charAt(i);
            if (first != second) {
                return rank(first) - rank(second);
            }
        }
        return a.length() - b.length();
    }

    private static int rank(char character) {
        return character == '/' ? 0 : character;
    }

    /** Whether a path is this directory, or in it. */
    public static boolean isIn(String directory, String path) {
        return directory.isEmpty() || path.equals(directory) || path.startsWith(directory + "/");
    }

    private static final int FIXED = 4 + 1 + 1 + 2 + 4 + 4 + 8 + 4 + 8 + 8 + 4 + 4 + 4;

    byte[] write() {
        byte[] name = latin(path);
        byte[] link = latin(target);
        int length = FIXED + 2 + name.length + 2 + link.length + 2 + 4 + content.pieces.size() * Piece.BYTES;
        for (Map.Entry<String, byte[]> attribute : attributes.entrySet()) {
            length += 2 + attribute.getKey().length() + 4 + attribute.getValue().length;
        }
        ByteBuffer to = ByteBuffer.allocate(length);
        to.putInt(length)
                .put((byte) kind.letter)
                .put((byte) (content.isLong ? 1 : 0))
                .putShort((short) mode)
                .putInt((int) owner)
                .putInt((int) group)
                .putLong(seconds)
                .putInt(nanos)
                .putLong(known.inode)
                .putLong(known.seconds)
                .putInt(known.nanos)
                .putInt(major)
                .putInt(minor);
        put(to, name);
        put(to, link);
        to.putShort((short) attributes.size());
        attributes.forEach((key, value) -> {
            put(to, latin(key));
            to.putInt(value.length).put(value);
        });
        to.putInt(content.pieces.size());
        content.pieces.forEach(piece -> piece.id.write(to.putLong(piece.length)));
        return to.array();
    }

    private static byte[] latin(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static void put(ByteBuffer to, byte[] bytes) {
        to.putShort((short) bytes.length).put(bytes);
    }

    /** The next entry; null at the end. */
    static @Nullable TreeEntry read(ByteBuffer from) throws BadRepositoryException {
        if (!from.hasRemaining()) {
            return null;
        }
        try {
            int begin = from.position();
            int length = from.getInt();
            Kind kind = Kind.of(from.get());
            boolean isLong = from.get() != 0;
            int mode = Short.toUnsignedInt(from.getShort());
            long owner = Integer.toUnsignedLong(from.getInt());
            long group = Integer.toUnsignedLong(from.getInt());
            long seconds = from.getLong();
            int nanos = from.getInt();
            Known known = new Known(from.getLong(), from.getLong(), from.getInt());
            int major = from.getInt();
            int minor = from.getInt();
            String path = text(from);
            String target = text(from);
            SortedMap<String, byte[]> attributes = new TreeMap<>();
            for (int i = Short.toUnsignedInt(from.getShort()); i > 0; i--) {
                String key = text(from);
                attributes.put(key, bytes(from, from.getInt()));
            }
            List<Piece> pieces = pieces(from, from.getInt());
            from.position(Math.addExact(begin, length));
            return new TreeEntry(
                    path,
                    kind,
                    mode,
                    owner,
                    group,
                    seconds,
                    nanos,
                    known,
                    major,
                    minor,
                    target,
                    attributes,
                    new Content(isLong, pieces));
        } catch (BufferUnderflowException | IllegalArgumentException | ArithmeticException e) {
            throw Packer.damaged("an entry of a tree");
        }
    }

    private static byte[] bytes(ByteBuffer from, int length) {
        if (length < 0 || length > from.remaining()) {
            throw new BufferUnderflowException();
        }
        byte[] bytes = new byte[length];
        from.get(bytes);
        return bytes;
    }

    private static String text(ByteBuffer from) {
        return new String(bytes(from, Short.toUnsignedInt(from.getShort())), StandardCharsets.ISO_8859_1);
    }

    /** So many pieces. */
    static List<Piece> pieces(ByteBuffer from, int count) {
        if (count < 0 || count > from.remaining() / Piece.BYTES) {
            throw new BufferUnderflowException();
        }
        List<Piece> pieces = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            pieces.add(new Piece(from.getLong(), ChunkId.read(from)));
        }
        return pieces;
    }
}

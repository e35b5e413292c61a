package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;

/** The format of a sealed pack: chunks one after the other, and a footer that says where each is. Numbers are big-endian. */
final class Pack {
    static final byte[] MAGIC = "TNNPACK1".getBytes(StandardCharsets.US_ASCII);
    static final int CHUNK_MAGIC = 0x544e4348;
    /** Magic, kind, method, 1 if it is sealed, 0, plain length, stored length, CRC-32C of what is stored. */
    static final int CHUNK_HEADER = 20;

    /** So much of the header is what a sealed chunk is bound to. */
    static final int BOUND = 12;

    static final int SEALED = 1;

    static final int RAW = 0;
    static final int ZSTD = 1;

    /** Number of chunks, CRC-32C of their entries, magic. */
    private static final int TRAILER = 16;

    private Pack() {}

    static int checksum(ByteBuffer bytes) {
        CRC32C sum = new CRC32C();
        sum.update(bytes);
        return (int) sum.getValue();
    }

    /** The entries and what follows them, in one piece. */
    static ByteBuffer footer(List<PackEntry> entries) {
        ByteBuffer footer = ByteBuffer.allocate(entries.size() * PackEntry.BYTES + TRAILER);
        entries.forEach(entry -> entry.write(footer));
        int sum = checksum(footer.duplicate().flip());
        footer.putInt(entries.size()).putInt(sum).put(MAGIC);
        return footer.flip();
    }

    /** A pack is named by the SHA-256 of its entries. */
    static String name(List<PackEntry> entries) {
        ByteBuffer footer = footer(entries);
        var digest = ChunkId.digest();
        digest.update(footer.limit(footer.limit() - TRAILER));
        return HexFormat.of().formatHex(digest.digest());
    }

    /**
     * What is in a sealed pack.
     *
     * @throws BadRepositoryException if it is damaged, or on a part of the disk that cannot be read
     */
    static List<PackEntry> read(Path file) throws IOException {
        String where = "pack '" + file.getFileName() + "'";
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return read(channel, where);
        }
    }

    private static List<PackEntry> read(FileChannel channel, String where) throws IOException {
        try {
            long size = channel.size();
            ByteBuffer trailer = ByteBuffer.allocate(TRAILER);
            if (size < MAGIC.length + TRAILER) {
                throw new BadRepositoryException(
                        where + " is cut: it has only " + size + " bytes; verify the repository");
            }
            readFully(channel, trailer, size - TRAILER, where);
            int count = trailer.getInt();
            int sum = trailer.getInt();
            byte[] magic = new byte[MAGIC.length];
            trailer.get(magic);
            long length = (long) count * PackEntry.BYTES;
            if (!Arrays.equals(magic, MAGIC) || count < 0 || length > size - MAGIC.length - TRAILER) {
                throw new BadRepositoryException(where + " does not end as a pack does; verify the repository");
            }
            ByteBuffer entries = ByteBuffer.allocate((int) length);
            readFully(channel, entries, size - TRAILER - length, where);
            if (checksum(entries.duplicate()) != sum) {
                throw new BadRepositoryException(where + " has a damaged footer; verify the repository");
            }
            List<PackEntry> found = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                found.add(PackEntry.read(entries, where));
            }
            return found;
        } catch (BadRepositoryException | ClosedChannelException e) {
            throw e;
        } catch (IOException e) {
            throw new BadRepositoryException(where + " cannot be read: " + e.getMessage() + "; verify the repository");
        }
    }

    /** What is in a sealed pack in memory. */
    static List<PackEntry> read(ByteBuffer pack, String where) throws BadRepositoryException {
        int end = pack.limit() - TRAILER;
        long count = end < MAGIC.length ? -1 : pack.getInt(end);
        long begin = end - count * PackEntry.BYTES;
        byte[] magic = new byte[MAGIC.length];
        if (count < 0 || begin < MAGIC.length) {
            throw new BadRepositoryException(where + " does not end as a pack does");
        }
        pack.get(pack.limit() - MAGIC.length, magic);
        ByteBuffer entries = pack.slice((int) begin, end - (int) begin);
        if (!Arrays.equals(magic, MAGIC) || checksum(entries.duplicate()) != pack.getInt(end + 4)) {
            throw new BadRepositoryException(where + " has a damaged footer");
        }
        List<PackEntry> found = new ArrayList<>((int) count);
        for (int i = 0; i < count; i++) {
            found.add(PackEntry.read(entries, where));
        }
        return found;
    }

    /** Whether a file has the magic of packs at its beginning; nothing else needs it. */
    static boolean beginsAsOne(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer head = ByteBuffer.allocate(MAGIC.length);
            readFully(channel, head, 0, "pack '" + file.getFileName() + "'");
            return head.equals(ByteBuffer.wrap(MAGIC));
        }
    }

    static void readFully(FileChannel channel, ByteBuffer to, long offset, String where) throws IOException {
        long at = offset;
        while (to.hasRemaining()) {
            int read = channel.read(to, at);
            if (read < 0) {
                throw new BadRepositoryException(where + " is cut at byte " + at + "; verify the repository");
            }
            at += read;
        }
        to.flip();
    }

    static void writeFully(FileChannel channel, ByteBuffer from) throws IOException {
        while (from.hasRemaining()) {
            channel.write(from);
        }
    }
}

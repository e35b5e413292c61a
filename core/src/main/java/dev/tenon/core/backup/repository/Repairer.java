package dev.tenon.core.backup.repository;

import dev.tenon.core.failure.Failures;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Repairs packs by their parity. A repaired pack takes the place of the damaged one when all its chunks have been checked by
 * their ids; otherwise nothing is changed.
 */
public final class Repairer {
    private static final long LARGEST = 256L << 20;

    /** A disk that is gone altogether must not be asked for every block. */
    private static final int MOST_UNREADABLE = 1024;

    private final Layout layout;
    private final Packer.Pool packers;

    Repairer(Layout layout, Packer.Pool packers) {
        this.layout = layout;
        this.packers = packers;
    }

    /**
     * What was done.
     *
     * @param repaired packs that are whole again
     * @param parities packs that are whole and whose parity was missing or damaged, and is there again
     * @param lost packs that cannot be repaired, each with the reason; they are as they were
     */
    public record Repaired(List<String> repaired, List<String> parities, SortedMap<String, String> lost) {
        public Repaired {
            repaired = List.copyOf(repaired);
            parities = List.copyOf(parities);
        }
    }

    Repaired repair() throws IOException {
        List<String> repaired = new ArrayList<>();
        List<String> parities = new ArrayList<>();
        SortedMap<String, String> lost = new TreeMap<>();
        try (Lease lease = Lease.take(layout, Lease.Kind.WRITE)) {
            for (String name : layout.packNames()) {
                try {
                    repair(name, lease, repaired, parities, lost);
                } catch (ClosedByInterruptException e) {
                    throw e;
                } catch (IOException e) {
                    if (lease.isLost()) {
                        throw new IOException(
                                "the repair was taken for dead, because it did not move for too long, or the repository"
                                        + " has gone; repair it again",
                                e);
                    }
                    // One that was collected meanwhile is not missed.
                    if (repaired.contains(name)) {
                        lost.put(name, "it is whole again, but its parity cannot be written: " + Failures.reason(e));
                    } else if (!(e instanceof NoSuchFileException) || Files.exists(layout.pack(name))) {
                        lost.put(name, "it cannot be read or written: " + Failures.reason(e));
                    }
                }
            }
        }
        return new Repaired(repaired, parities, lost);
    }

    private void repair(
            String name, Lease lease, List<String> repaired, List<String> parities, SortedMap<String, String> lost)
            throws IOException {
        byte[] pack = bytes(layout.pack(name));
        byte[] parity = parity(name);
        // First by the parity: what it is of is the truth, as long as that is a sound pack.
        byte[] whole = Parity.repaired(pack, parity);
        boolean isRepaired = whole != null && !Arrays.equals(whole, pack) && isSound(name, whole);
        if (whole == null || !isRepaired) {
            whole = pack;
        }
        if (isRepaired) {
            put(lease, whole, layout.pack(name));
            DamagedChunks.note(layout, name, List.of());
            repaired.add(name);
        } else if (!isSound(name, pack)) {
            lost.put(
                    name, parity.length == 0 ? "it has no parity" : "more of it is damaged than its parity can repair");
            return;
        }
        // A writer may have stored the pack again meanwhile, with parity that is not of what has taken its place now.
        if (layout.parityPercent() > 0 && !Parity.fits(whole, isRepaired ? parity(name) : parity)) {
            writeParity(layout, lease, name);
            if (!isRepaired) {
                parities.add(name);
            }
        }
    }

    /** Nothing if it is missing or cannot be read. */
    private byte[] parity(String name) throws ClosedByInterruptException {
        try {
            return bytes(layout.parity(name));
        } catch (ClosedByInterruptException e) {
            throw e;
        } catch (IOException e) {
            return new byte[0];
        }
    }

    /** A pack or its parity; what cannot be read of a pack is taken for damaged. */
    static byte[] bytes(Path file) throws IOException {
        long size = Files.size(file);
        if (size > LARGEST) {
            throw new IOException("'" + file + "' is larger than any pack; move it away");
        }
        try {
            return Files.readAllBytes(file);
        } catch (ClosedByInterruptException | NoSuchFileException e) {
            throw e;
        } catch (IOException e) {
            return readable(file, (int) size, e);
        }
    }

    /** Blocks that a disk does not give are zeroes. */
    private static byte[] readable(Path file, int size, IOException failure) throws IOException {
        byte[] bytes = new byte[size];
        int unreadable = 0;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            for (int at = 0; at < size; at += Parity.BLOCK) {
                ByteBuffer block = ByteBuffer.wrap(bytes, at, Math.min(Parity.BLOCK, size - at));
                try {
                    Pack.readFully(channel, block, at, "'" + file + "'");
                } catch (ClosedByInterruptException e) {
                    throw e;
                } catch (IOException e) {
                    unreadable++;
                    if (unreadable > MOST_UNREADABLE) {
                        throw failure;
                    }
                }
            }
        }
        if (unreadable * (long) Parity.BLOCK >= size) {
            throw failure;
        }
        return bytes;
    }

    private static void put(Lease lease, byte[] content, Path place) throws IOException {
        lease.requireHeld();
        Path written = lease.file("repaired");
        Layout.write(written, content);
        Layout.move(written, place);
    }

    /** Whether it is the pack of this name and every chunk is the one that its id names. */
    private boolean isSound(String name, byte[] pack) {
        Packer packer = packers.take();
        try {
            List<PackEntry> entries = Pack.read(ByteBuffer.wrap(pack), "pack '" + name + "'");
            if (!Pack.name(entries).equals(name)
                    || !Arrays.equals(pack, 0, Pack.MAGIC.length, Pack.MAGIC, 0, Pack.MAGIC.length)) {
                return false;
            }
            for (PackEntry entry : entries) {
                long end = (long) entry.offset() + Pack.CHUNK_HEADER + entry.stored();
                if (end > pack.length) {
                    return false;
                }
                ByteBuffer stored = packer.buffer(Pack.CHUNK_HEADER + entry.stored());
                stored.put(pack, entry.offset(), Pack.CHUNK_HEADER + entry.stored())
                        .flip();
                packer.check(entry, stored, name);
            }
            return true;
        } catch (IOException e) {
            return false;
        } finally {
            packers.give(packer);
        }
    }

    /**
     * Writes the parity of a pack as it lies there. Whoever puts a pack in its place calls this afterwards. So the last parity
     * is of the last pack, even if a repair and a backup do so at the same time: the one whose pack was replaced sees that,
     * and reads again.
     */
    static void writeParity(Layout layout, Lease lease, String name) throws IOException {
        Path pack = layout.pack(name);
        FileIdentity read;
        try {
            do {
                read = FileIdentity.of(pack);
                Path written = lease.file("parity");
                write(pack, written, layout.parityPercent());
                lease.requireHeld();
                Layout.move(written, layout.parity(name));
            } while (!read.equals(FileIdentity.of(pack)));
        } catch (NoSuchFileException e) {
            if (Files.notExists(pack)) {
                // Collected meanwhile, and what is of it was before this.
                Files.deleteIfExists(layout.parity(name));
            }
            throw e;
        }
    }

    /** Tells a file from another one that has taken its place. */
    private record FileIdentity(@Nullable Object key, FileTime modified) {
        static FileIdentity of(Path file) throws IOException {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return new FileIdentity(attributes.fileKey(), attributes.lastModifiedTime());
        }
    }

    private static void write(Path pack, Path parity, int percent) throws IOException {
        try (FileChannel channel = FileChannel.open(pack, StandardOpenOption.READ)) {
            Parity.Encoder encoder = new Parity.Encoder(channel.size(), percent);
            ByteBuffer piece = ByteBuffer.allocate(1 << 20);
            while (channel.read(piece) >= 0) {
                encoder.update(piece.flip());
                piece.clear();
            }
            Layout.write(parity, encoder.finish());
        }
    }
}

package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Repairs packs by their parity. A repaired pack takes the place of the damaged one when all its chunks have been checked by
 * their ids; otherwise nothing is changed.
 */
public final class Repairer {
    private static final long LARGEST = 256L << 20;

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
                    byte[] pack = bytes(layout.pack(name));
                    byte[] parity = Files.exists(layout.parity(name)) ? bytes(layout.parity(name)) : new byte[0];
                    if (isSound(name, pack)) {
                        if (layout.parityPercent() > 0 && !Parity.fits(pack, parity)) {
                            put(lease, Parity.of(pack, layout.parityPercent()), layout.parity(name));
                            parities.add(name);
                        }
                    } else {
                        byte[] whole = Parity.repaired(pack, parity);
                        if (whole != null && isSound(name, whole)) {
                            put(lease, whole, layout.pack(name));
                            DamagedChunks.note(layout, name, List.of());
                            repaired.add(name);
                            if (!Parity.fits(whole, parity)) {
                                put(lease, Parity.of(whole, layout.parityPercent()), layout.parity(name));
                            }
                        } else {
                            lost.put(
                                    name,
                                    parity.length == 0
                                            ? "it has no parity"
                                            : "more of it is damaged than its parity can repair");
                        }
                    }
                } catch (NoSuchFileException e) {
                    // collected meanwhile
                }
            }
        }
        return new Repaired(repaired, parities, lost);
    }

    private static byte[] bytes(Path file) throws IOException {
        if (Files.size(file) > LARGEST) {
            throw new BadRepositoryException("'" + file + "' is larger than any pack; move it away");
        }
        return Files.readAllBytes(file);
    }

    private static void put(Lease lease, byte[] content, Path place) throws IOException {
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
                Objects.requireNonNull(packer.unpack(entry.id(), stored, name));
            }
            return true;
        } catch (IOException e) {
            return false;
        } finally {
            packers.give(packer);
        }
    }

    /** Writes the parity of a pack that lies here. */
    static void write(Path pack, Path parity, int percent) throws IOException {
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

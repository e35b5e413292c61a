package dev.tenon.core.backup.repository;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A backup of a guest that is complete and can be restored by itself.
 *
 * @param disks by device
 * @param tree the files of a container; null for a VM
 * @param config the guest's configuration, the same bytes that came with the backup
 * @param firewall the guest's firewall configuration; null if none came
 * @param stored bytes that this backup added to the repository
 */
public record Snapshot(
        SnapshotId id,
        Map<DeviceName, Disk> disks,
        @Nullable Tree tree,
        RawConfig config,
        @Nullable RawConfig firewall,
        ByteSize stored) {
    private static final int VERSION = 1;
    private static final int SUM = 65;

    public Snapshot {
        disks = Collections.unmodifiableMap(new TreeMap<>(disks));
    }

    /**
     * A disk of a backup.
     *
     * @param leaves the ids of the leaves of its table
     */
    public record Disk(ByteSize size, List<String> leaves) {
        public Disk {
            leaves = List.copyOf(leaves);
        }
    }

    /**
     * The files of a container.
     *
     * @param chunks how many chunks of entries there are
     * @param entries how many files, directories and others there are
     * @param size bytes of all files, with their holes
     * @param leaves the ids of the leaves of the table of chunks
     */
    public record Tree(int chunks, long entries, ByteSize size, List<String> leaves) {
        public Tree {
            leaves = List.copyOf(leaves);
        }
    }

    /** The record, in JSON, and in a line of its own its SHA-256. */
    byte[] write() throws IOException {
        Map<String, Object> disksByName = new LinkedHashMap<>();
        disks.forEach((device, disk) -> disksByName.put(
                device.toString(), new TreeMap<>(Map.of("size", disk.size().bytes(), "leaves", disk.leaves()))));
        Map<String, Object> record = new TreeMap<>();
        record.put("version", VERSION);
        record.put("id", id.toString());
        record.put("disks", disksByName);
        if (tree != null) {
            record.put(
                    "tree",
                    new TreeMap<>(Map.of(
                            "chunks",
                            tree.chunks(),
                            "entries",
                            tree.entries(),
                            "size",
                            tree.size().bytes(),
                            "leaves",
                            tree.leaves())));
        }
        record.put("config", Base64.getEncoder().encodeToString(config.bytes()));
        if (firewall != null) {
            record.put("firewall", Base64.getEncoder().encodeToString(firewall.bytes()));
        }
        record.put("stored", stored.bytes());
        byte[] json = JSON.std.asBytes(record);
        byte[] sum =
                (HexFormat.of().formatHex(ChunkId.digest().digest(json)) + "\n").getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[json.length + 1 + sum.length];
        System.arraycopy(json, 0, all, 0, json.length);
        all[json.length] = '\n';
        System.arraycopy(sum, 0, all, json.length + 1, sum.length);
        return all;
    }

    /**
     * The record of a snapshot; empty if there is none.
     *
     * @throws BadRepositoryException if it is damaged or of a later version
     */
    static Optional<Snapshot> read(Path file, SnapshotId id) throws IOException {
        byte[] all;
        try {
            all = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        int length = all.length - SUM - 1;
        if (length < 0
                || all[length] != '\n'
                || all[all.length - 1] != '\n'
                || !new String(all, length + 1, SUM - 1, StandardCharsets.US_ASCII)
                        .equals(HexFormat.of().formatHex(sum(all, length)))) {
            throw new BadRepositoryException("the record of snapshot '" + id
                    + "' is damaged; its chunks may all be there: restore the file '" + file + "' from a copy");
        }
        Map<String, Object> record = JSON.std.mapFrom(new String(all, 0, length, StandardCharsets.UTF_8));
        if (!Integer.valueOf(VERSION).equals(record.get("version"))) {
            throw new BadRepositoryException("the record of snapshot '" + id + "' is of version "
                    + record.get("version") + ", and this build knows version " + VERSION + "; use a newer one");
        }
        Map<DeviceName, Disk> disks = new LinkedHashMap<>();
        if (record.get("disks") instanceof Map<?, ?> byName) {
            byName.forEach((name, disk) -> disks.put(new DeviceName(String.valueOf(name)), disk((Map<?, ?>) disk)));
        }
        return Optional.of(new Snapshot(
                id,
                disks,
                record.get("tree") instanceof Map<?, ?> tree ? tree(tree) : null,
                RawConfig.of(bytes(record.get("config"))),
                record.containsKey("firewall") ? RawConfig.of(bytes(record.get("firewall"))) : null,
                ByteSize.ofBytes(number(record.get("stored")))));
    }

    private static byte[] sum(byte[] all, int length) {
        var digest = ChunkId.digest();
        digest.update(all, 0, length);
        return digest.digest();
    }

    private static Disk disk(Map<?, ?> disk) {
        return new Disk(ByteSize.ofBytes(number(disk.get("size"))), leaves(disk));
    }

    private static Tree tree(Map<?, ?> tree) {
        return new Tree(
                Math.toIntExact(number(tree.get("chunks"))),
                number(tree.get("entries")),
                ByteSize.ofBytes(number(tree.get("size"))),
                leaves(tree));
    }

    private static List<String> leaves(Map<?, ?> of) {
        List<String> leaves = new ArrayList<>();
        if (of.get("leaves") instanceof List<?> ids) {
            ids.forEach(id -> leaves.add(String.valueOf(id)));
        }
        return leaves;
    }

    private static long number(@Nullable Object value) {
        return value instanceof Number number ? number.longValue() : 0;
    }

    private static byte[] bytes(@Nullable Object value) {
        return Base64.getDecoder().decode(String.valueOf(value));
    }
}

package dev.tenon.core.backup.repository;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
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
 * @param config the guest's configuration, the same bytes that came with the backup; null if it is sealed, and the repository
 *     was opened without a key that reads
 * @param firewall the guest's firewall configuration; null if none came, or it is sealed
 * @param stored bytes that this backup added to the repository
 */
public record Snapshot(
        SnapshotId id,
        Map<DeviceName, Disk> disks,
        @Nullable Tree tree,
        @Nullable RawConfig config,
        @Nullable RawConfig firewall,
        ByteSize stored) {
    private static final int VERSION = 1;
    private static final int SEALED = 2;
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

    /** The same as one learns without a key. */
    Snapshot withoutConfigs() {
        return new Snapshot(id, disks, tree, null, null, stored);
    }

    /**
     * The record: a line of JSON, a line with what is sealed if anything is, and a line with the SHA-256 of those before.
     *
     * @param sealing null in a repository that is not encrypted
     * @throws IllegalStateException if the configuration is not known
     */
    byte[] write(@Nullable Sealing sealing) throws IOException {
        Map<String, Object> configs = configs();
        Map<String, Object> disksByName = new LinkedHashMap<>();
        disks.forEach((device, disk) -> disksByName.put(
                device.toString(), new TreeMap<>(Map.of("size", disk.size().bytes(), "leaves", disk.leaves()))));
        Map<String, Object> record = new TreeMap<>();
        record.put("version", sealing == null ? VERSION : SEALED);
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
        record.put("stored", stored.bytes());
        if (sealing == null) {
            record.putAll(configs);
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] line = JSON.std.asBytes(record);
        all.writeBytes(line);
        if (sealing != null) {
            byte[] secret = JSON.std.asBytes(configs);
            ByteBuffer sealed = ByteBuffer.allocate(secret.length + Sealing.OVERHEAD);
            sealing.seal(name(line), ByteBuffer.wrap(secret), sealed);
            all.write('\n');
            all.writeBytes(Base64.getEncoder().encode(sealed.array()));
        }
        byte[] sum = ChunkId.digest().digest(all.toByteArray());
        all.writeBytes(("\n" + HexFormat.of().formatHex(sum) + "\n").getBytes(StandardCharsets.US_ASCII));
        return all.toByteArray();
    }

    private Map<String, Object> configs() {
        RawConfig known = config;
        if (known == null) {
            throw new IllegalStateException("the configuration of snapshot '" + id + "' is not known");
        }
        Map<String, Object> configs = new TreeMap<>();
        configs.put("config", Base64.getEncoder().encodeToString(known.bytes()));
        if (firewall != null) {
            configs.put("firewall", Base64.getEncoder().encodeToString(firewall.bytes()));
        }
        return configs;
    }

    /** What the configurations are bound to: all else that the record says. */
    private static byte[] name(byte[] line) {
        byte[] label = "record ".getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocate(label.length + line.length)
                .put(label)
                .put(line)
                .array();
    }

    /**
     * The record of a snapshot; empty if there is none.
     *
     * @param key null if there is none: then sealed configurations are not read
     * @throws BadRepositoryException if it is damaged or of a later version
     */
    static Optional<Snapshot> read(Path file, SnapshotId id, @Nullable RepositoryKey key) throws IOException {
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
        int end = 0;
        while (end < length && all[end] != '\n') {
            end++;
        }
        byte[] line = Arrays.copyOf(all, end);
        Map<String, Object> record = JSON.std.mapFrom(new String(line, StandardCharsets.UTF_8));
        boolean isSealed = Integer.valueOf(SEALED).equals(record.get("version")) && end < length;
        if (!isSealed && !Integer.valueOf(VERSION).equals(record.get("version"))) {
            throw new BadRepositoryException("the record of snapshot '" + id + "' is of version "
                    + record.get("version") + ", and this build knows versions to " + SEALED + "; use a newer one");
        }
        if (!id.toString().equals(record.get("id"))) {
            throw new BadRepositoryException("the record of snapshot '" + id + "' is that of "
                    + Quoted.of(String.valueOf(record.get("id"))) + "; the file '" + file
                    + "' is damaged or was renamed: give it its name again");
        }
        if (!isSealed && key != null) {
            throw new BadRepositoryException("the record of snapshot '" + id
                    + "' is not sealed, and was not made by somebody who has the repository's key");
        }
        if (isSealed && key != null && key.canRead()) {
            record.putAll(opened(line, new String(all, end + 1, length - end - 1, StandardCharsets.US_ASCII), id, key));
        }
        Map<DeviceName, Disk> disks = new LinkedHashMap<>();
        if (record.get("disks") instanceof Map<?, ?> byName) {
            byName.forEach((name, disk) -> disks.put(new DeviceName(String.valueOf(name)), disk((Map<?, ?>) disk)));
        }
        return Optional.of(new Snapshot(
                id,
                disks,
                record.get("tree") instanceof Map<?, ?> tree ? tree(tree) : null,
                record.containsKey("config") ? RawConfig.of(bytes(record.get("config"))) : null,
                record.containsKey("firewall") ? RawConfig.of(bytes(record.get("firewall"))) : null,
                ByteSize.ofBytes(number(record.get("stored")))));
    }

    private static Map<String, Object> opened(byte[] line, String text, SnapshotId id, RepositoryKey key)
            throws IOException {
        String where = "the record of snapshot '" + id + "'";
        byte[] sealed;
        try {
            sealed = bytes(text);
        } catch (IllegalArgumentException e) {
            throw Packer.damaged(where);
        }
        if (sealed.length < Sealing.OVERHEAD) {
            throw Packer.damaged(where);
        }
        ByteBuffer secret = ByteBuffer.allocate(sealed.length - Sealing.OVERHEAD);
        Sealing sealing = key.open(Arrays.copyOf(sealed, Sealing.HALF), where);
        ByteBuffer rest = ByteBuffer.wrap(sealed, Sealing.HALF, sealed.length - Sealing.HALF);
        if (!sealing.open(name(line), rest, secret)) {
            throw Packer.damaged(where);
        }
        return JSON.std.mapFrom(new String(secret.array(), StandardCharsets.UTF_8));
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

package dev.tenon.core.backup.repository;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.linux.DirectorySync;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.GuestType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A repository of backups in a directory, which may be on a file system that several nodes share. Any number of processes
 * write, read and collect at the same time. Calls come from many threads.
 */
public final class Repository implements AutoCloseable {
    private static final int VERSION = 1;

    /** Of a repository that is encrypted or has parity. */
    private static final int GUARDED = 2;

    private static final String METHOD = "X25519-HKDF-SHA256-AES-256-GCM";
    private static final String NOTES = ".notes";
    private static final String PROTECTED = ".protected";
    private static final String BASE = "base.";

    private final Layout layout;
    private final Header header;
    private final @Nullable RepositoryKey key;
    private final Packer.Pool packers;

    /**
     * What {@code repository.json} says.
     *
     * @param fingerprint of the key; null if it is not encrypted
     * @param parity in percent
     */
    private record Header(@Nullable String fingerprint, int parity) {}

    private Repository(Layout layout, Header header, @Nullable RepositoryKey key) {
        this.layout = new Layout(layout.root(), header.parity);
        this.header = header;
        this.key = key;
        this.packers = new Packer.Pool(DiskTable.CHUNK, key);
    }

    /** The same as {@link #init(Path, RepositoryOptions)} without options. */
    public static void init(Path directory) throws IOException {
        init(directory, RepositoryOptions.NONE);
    }

    /**
     * Makes a repository in a directory that is empty or missing, or in which a repository was begun and not finished.
     *
     * @throws StorageException {@code ALREADY_EXISTS} if there is something else in it
     */
    public static void init(Path directory, RepositoryOptions options) throws IOException {
        Layout layout = new Layout(directory.toAbsolutePath());
        boolean isEncrypted = !options.keys().isEmpty();
        RepositoryKey made = RepositoryKey.generate();
        // Before anything is made: what is wrong leaves nothing.
        Map<Path, byte[]> slots = RepositoryKeys.made(layout, made, options.keys());
        Layout.makeDirectory(layout.root());
        if (!layout.isUnused()) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS,
                    "the directory " + Quoted.of(directory.toString())
                            + " is not empty; a repository is made in an empty one");
        }
        for (Path inner : layout.directories()) {
            Layout.makeDirectory(inner);
        }
        Map<String, Object> header = new TreeMap<>();
        header.put("tenon-repository", isEncrypted || options.parity() > 0 ? GUARDED : VERSION);
        header.put("id", UUID.randomUUID().toString());
        header.put("chunk-size", DiskTable.CHUNK);
        if (options.parity() > 0) {
            header.put("parity", options.parity());
        }
        // Of a repository that was not finished; nothing was ever sealed by them.
        for (Path key : Layout.entries(layout.keys())) {
            Files.delete(key);
        }
        if (isEncrypted) {
            Layout.makeDirectory(layout.keys());
            for (Map.Entry<Path, byte[]> each : slots.entrySet()) {
                Layout.publish(each.getKey(), each.getValue());
            }
            header.put("encryption", new TreeMap<>(Map.of("method", METHOD, "fingerprint", made.fingerprint())));
        }
        // Last: without it there is no repository, so none lacks its key.
        Layout.publish(layout.header(), JSON.std.asBytes(header));
        Spare.keep(layout);
    }

    /** The same as {@link #open(Path, Unlocking)} without a key. */
    public static Repository open(Path directory) throws IOException {
        return open(directory, null);
    }

    /**
     * Opens a repository.
     *
     * @param by opens one that is encrypted; null for none: then backups can be listed, noted, protected and forgotten
     * @throws StorageException {@code NOT_FOUND} if there is none, {@code PERMISSION_DENIED} if this does not open it,
     *     {@code BAD_PARAMETER} if it is not encrypted
     * @throws BadRepositoryException if it is of a version that this build does not know
     */
    public static Repository open(Path directory, @Nullable Unlocking by) throws IOException {
        Layout layout = new Layout(directory.toAbsolutePath());
        Header header = header(layout, directory);
        if (by == null) {
            return new Repository(layout, header, null);
        }
        if (header.fingerprint == null) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "the repository in " + Quoted.of(directory.toString())
                            + " is not encrypted, and a key was given; only a new one can be encrypted");
        }
        return new Repository(layout, header, RepositoryKeys.open(layout, header.fingerprint, by));
    }

    private static Header header(Layout layout, Path directory) throws IOException {
        byte[] written;
        try {
            written = Files.readAllBytes(layout.header());
        } catch (NoSuchFileException e) {
            throw StorageException.refused(
                    StorageError.NOT_FOUND, "there is no repository in " + Quoted.of(directory.toString()));
        }
        Map<String, Object> header;
        try {
            header = JSON.std.mapFrom(new String(written, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw damagedHeader(layout);
        }
        boolean isKnown = header.get("tenon-repository") instanceof Integer version
                && version >= VERSION
                && version <= GUARDED
                && Integer.valueOf(DiskTable.CHUNK).equals(header.get("chunk-size"));
        if (!isKnown) {
            throw new BadRepositoryException("the repository in " + Quoted.of(directory.toString()) + " is of version "
                    + header.get("tenon-repository") + ", and this build knows versions to " + GUARDED
                    + "; use a newer one");
        }
        String fingerprint = null;
        if (header.get("encryption") instanceof Map<?, ?> encryption) {
            if (!METHOD.equals(encryption.get("method"))) {
                throw new BadRepositoryException("the repository in " + Quoted.of(directory.toString())
                        + " is encrypted by a method that this build does not know; use a newer one");
            }
            fingerprint = String.valueOf(encryption.get("fingerprint"));
        }
        Object parity = header.getOrDefault("parity", 0);
        boolean isGuarded = fingerprint != null || !Integer.valueOf(0).equals(parity);
        boolean isPossible = parity instanceof Integer percent
                && percent >= 0
                && percent <= 100
                && (fingerprint == null || fingerprint.matches("[0-9a-f]{64}"))
                && (fingerprint != null) == header.containsKey("encryption")
                && isGuarded == Integer.valueOf(GUARDED).equals(header.get("tenon-repository"))
                // Nothing may be added in the clear because one word here is damaged.
                && (fingerprint != null || RepositoryKeys.files(layout).isEmpty());
        if (!isPossible) {
            throw damagedHeader(layout);
        }
        return new Header(fingerprint, parity instanceof Integer percent ? percent : 0);
    }

    private static BadRepositoryException damagedHeader(Layout layout) {
        return new BadRepositoryException(
                "the file " + Quoted.of(layout.header().toString())
                        + " is damaged, which says of which version the repository is; restore it from a copy");
    }

    /** The fingerprint of the key of one that is encrypted, whether it was opened by a key or not. */
    public Optional<String> fingerprint() {
        return Optional.ofNullable(header.fingerprint);
    }

    /** Whether backups can be read: it is not encrypted, or was opened by a full key. */
    public boolean canRead() {
        return header.fingerprint == null || (key != null && key.canRead());
    }

    /**
     * By what it can be opened.
     *
     * @throws StorageException {@code NOT_SUPPORTED} if it is not encrypted, {@code PERMISSION_DENIED} if it was opened
     *     without a key
     */
    public RepositoryKeys keys() {
        if (header.fingerprint == null) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "the repository in " + Quoted.of(layout.root().toString()) + " is not encrypted, and has no keys");
        }
        return new RepositoryKeys(layout, requireKey());
    }

    private RepositoryKey requireKey() {
        RepositoryKey present = key;
        if (present == null) {
            throw StorageException.refused(
                    StorageError.PERMISSION_DENIED,
                    "the repository in " + Quoted.of(layout.root().toString())
                            + " is encrypted, and no key was given; name a key file with --key-file, or the file of a"
                            + " passphrase with --passphrase-file, or give the storage its encryption-key");
        }
        return present;
    }

    private void requireReading() {
        if (!canRead() && !requireKey().canRead()) {
            throw StorageException.refused(
                    StorageError.PERMISSION_DENIED,
                    "the key that was given for the repository in "
                            + Quoted.of(layout.root().toString())
                            + " only adds backups; what reads them needs a full key");
        }
    }

    /** The snapshots of a namespace, oldest first for each guest. */
    public List<SnapshotId> list(String namespace) throws IOException {
        SnapshotId.checkNamespace(namespace);
        return list(layout, layout.snapshots().resolve(namespace));
    }

    static List<SnapshotId> list(Layout layout, Path below) throws IOException {
        List<SnapshotId> found = new ArrayList<>();
        for (Path entry : Layout.entries(below)) {
            if (Files.isDirectory(entry)) {
                found.addAll(list(layout, entry));
            } else if (entry.toString().endsWith(SnapshotId.EXTENSION)) {
                found.add(SnapshotId.of(layout.snapshots().relativize(entry)));
            }
        }
        return found;
    }

    /** A snapshot; empty if there is none. */
    public Optional<Snapshot> find(SnapshotId id) throws IOException {
        Optional<Snapshot> found = Snapshot.read(layout.snapshots().resolve(id.path()), id, key);
        // What is not sealed in a repository that is encrypted is nobody's word.
        return header.fingerprint != null && key == null ? found.map(Snapshot::withoutConfigs) : found;
    }

    /** Forgets a snapshot. Its space is free after the next {@link #collect}. Does nothing if there is none. */
    public void forget(SnapshotId id) throws IOException {
        Path record = layout.snapshots().resolve(id.path());
        if (Files.deleteIfExists(record)) {
            DirectorySync.of(Layout.parent(record));
        }
        setNotes(id, "");
        setProtected(id, false);
    }

    /** What somebody noted about a snapshot; empty if nothing. */
    public String notes(SnapshotId id) throws IOException {
        return text(beside(id, NOTES)).orElse("");
    }

    /** Notes something about a snapshot; empty notes are removed. */
    public void setNotes(SnapshotId id, String notes) throws IOException {
        keep(beside(id, NOTES), notes.isEmpty() ? Optional.empty() : Optional.of(notes));
    }

    /** Whether a snapshot must not be forgotten. Whoever forgets one asks before. */
    public boolean isProtected(SnapshotId id) {
        return Files.exists(beside(id, PROTECTED));
    }

    public void setProtected(SnapshotId id, boolean isProtected) throws IOException {
        keep(beside(id, PROTECTED), isProtected ? Optional.of("") : Optional.empty());
    }

    /**
     * The snapshot that the next incremental backup of a guest to a storage can begin with; empty if there is none, or it has
     * been forgotten, or it is not sure which one it is.
     *
     * @param storage whose bitmap it is: several storages may share a repository, and each has its own bitmaps
     */
    public Optional<Snapshot> base(String namespace, GuestType type, Vmid guest, String storage) throws IOException {
        Optional<String> time =
                text(directory(namespace, type, guest).resolve(BASE + storage)).flatMap(SummedText::read);
        return time.isEmpty()
                ? Optional.empty()
                : find(new SnapshotId(
                        namespace, type, guest, Instant.parse(time.get().strip())));
    }

    /** Makes a snapshot the base of the next incremental backup to a storage. */
    public void setBase(SnapshotId id, String storage) throws IOException {
        keep(
                directory(id.namespace(), id.type(), id.guest()).resolve(BASE + storage),
                Optional.of(new String(SummedText.of(id.time() + "\n"), StandardCharsets.UTF_8)));
    }

    private Path directory(String namespace, GuestType type, Vmid guest) {
        SnapshotId.checkNamespace(namespace);
        return layout.snapshots().resolve(Path.of(namespace, type.word(), guest.toString()));
    }

    private Path beside(SnapshotId id, String extension) {
        Path record = layout.snapshots().resolve(id.path());
        return record.resolveSibling(id.time() + extension);
    }

    private static Optional<String> text(Path file) throws IOException {
        try {
            return Optional.of(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static void keep(Path file, Optional<String> text) throws IOException {
        if (text.isPresent()) {
            Layout.publish(file, text.get().getBytes(StandardCharsets.UTF_8));
        } else if (Files.deleteIfExists(file)) {
            DirectorySync.of(Layout.parent(file));
        }
    }

    /** Whether there is a repository in a directory. */
    public static boolean isOne(Path directory) {
        return Files.exists(new Layout(directory).header());
    }

    /** Begins a backup. */
    public SnapshotWriter write(String namespace, GuestType type, Vmid guest, Instant time) throws IOException {
        if (header.fingerprint != null) {
            requireKey();
        }
        SnapshotId id = new SnapshotId(namespace, type, guest, time);
        Lease lease = Lease.take(layout, Lease.Kind.WRITE);
        ChunkIndex index = null;
        try {
            // In this order: a collector waits for the leases that it sees, and later ones see what it condemned.
            Set<String> condemned = Condemned.packs(layout);
            index = ChunkIndex.load(layout, condemned);
            Indexes.publish(layout, lease, index.unnamed());
            // The disks of the base may lie in condemned packs, too.
            ChunkReader reader =
                    new ChunkReader(layout, condemned.isEmpty() ? index : ChunkIndex.load(layout, Set.of()), packers);
            return new SnapshotWriter(id, layout, lease, index, reader, packers, condemned);
        } catch (IOException | RuntimeException e) {
            try (lease;
                    @Nullable ChunkIndex _ = index) {
                // both are closed
            }
            throw e;
        }
    }

    /**
     * Copies a snapshot into another repository, with its notes and its protection. What that has already is not read.
     *
     * @return the copy; empty if there is one of that name already, which stays as it is, but is protected if this one is:
     *     a copy that was interrupted may lack that
     * @throws StorageException {@code NOT_FOUND} if there is no such snapshot
     */
    public Optional<Snapshot> copy(SnapshotId id, Repository to) throws IOException {
        if (to.find(id).isPresent()) {
            if (isProtected(id) && !to.isProtected(id)) {
                to.setProtected(id, true);
            }
            return Optional.empty();
        }
        Snapshot copy;
        try (RepositoryReader from = read();
                SnapshotWriter writer = to.write(id.namespace(), id.type(), id.guest(), id.time())) {
            Snapshot snapshot = find(id).orElseThrow(() ->
                    StorageException.refused(StorageError.NOT_FOUND, "there is no snapshot '" + id + "'"));
            copy = hasNamesOf(to)
                    ? writer.copy(snapshot, from.chunks())
                    : TransferredSnapshot.write(snapshot, from, writer);
        }
        if (isProtected(id)) {
            to.setProtected(id, true);
        }
        to.setNotes(id, notes(id));
        return Optional.of(copy);
    }

    /** Whether the same chunk has the same name in another repository. */
    private boolean hasNamesOf(Repository other) {
        return Objects.equals(header.fingerprint, other.header.fingerprint);
    }

    /** Begins to read; nothing that exists now is removed before the end. */
    public RepositoryReader read() throws IOException {
        requireReading();
        Lease lease = Lease.take(layout, Lease.Kind.READ);
        try {
            return new RepositoryReader(
                    this, lease, new ChunkReader(layout, ChunkIndex.load(layout, Set.of()), packers));
        } catch (IOException | RuntimeException e) {
            lease.close();
            throw e;
        }
    }

    /**
     * Frees the space of chunks that no snapshot and no running work needs.
     *
     * @throws StorageException {@code IN_USE} if somebody else does it now
     */
    public Collector.Collected collect() throws IOException {
        requireReading();
        return new Collector(layout, packers).collect();
    }

    /** Reads and checks every chunk. What is damaged is noted, so that the next backup that has it stores it again. */
    public Verifier.Verified verify() throws IOException {
        return verify(100);
    }

    /**
     * Reads and checks some of the chunks, others each time, and whether all are there that snapshots need.
     *
     * @param percent how many of the chunks to read, above 0 to 100
     */
    public Verifier.Verified verify(double percent) throws IOException {
        requireReading();
        return new Verifier(layout, packers, percent).verify();
    }

    /** Repairs what its parity can repair, and adds parity where it is missing; see {@link RepositoryOptions#parity}. */
    public Repairer.Repaired repair() throws IOException {
        requireReading();
        return new Repairer(layout, packers).repair();
    }

    /** Counts what is there; reads all tables of disks, and no chunks of data. */
    public Statistics statistics() throws IOException {
        requireReading();
        return new Counter(layout, packers).count();
    }

    @Override
    public void close() {
        packers.close();
    }

    static @Nullable Snapshot record(Layout layout, SnapshotId id, @Nullable RepositoryKey key) throws IOException {
        return Snapshot.read(layout.snapshots().resolve(id.path()), id, key).orElse(null);
    }

    static Set<String> names(List<Path> files) {
        Set<String> names = new HashSet<>();
        files.forEach(file -> names.add(file.getFileName().toString()));
        return names;
    }
}

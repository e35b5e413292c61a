package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.backup.DeviceName;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** Reads snapshots. What it has found stays readable until it is closed, even if it is forgotten and collected meanwhile. */
public final class RepositoryReader implements AutoCloseable {
    private final Repository repository;
    private final Lease lease;
    private final ChunkReader chunks;

    /** Whose memory goes with this at the latest, and does not wait until Java collects its heap. */
    private final Set<DiskReader> disks = ConcurrentHashMap.newKeySet();

    RepositoryReader(Repository repository, Lease lease, ChunkReader chunks) {
        this.repository = repository;
        this.lease = lease;
        this.chunks = chunks;
    }

    ChunkReader chunks() {
        return chunks;
    }

    /** A snapshot; empty if there is none. */
    public Optional<Snapshot> find(SnapshotId id) throws IOException {
        return repository.find(id);
    }

    /** A disk of a snapshot, to be closed before others are read; empty if the snapshot has none of this name. */
    public Optional<DiskReader> disk(Snapshot snapshot, DeviceName device) throws IOException {
        Snapshot.Disk disk = snapshot.disks().get(device);
        if (disk == null) {
            return Optional.empty();
        }
        DiskTable table = DiskTable.of(disk, chunks);
        DiskReader reader = new DiskReader(disk.size(), table, chunks);
        disks.add(reader);
        return Optional.of(reader);
    }

    /** The files of a container in a snapshot; empty for a VM. */
    public Optional<TreeReader> tree(Snapshot snapshot) throws IOException {
        Snapshot.Tree tree = snapshot.tree();
        return tree == null ? Optional.empty() : Optional.of(new TreeReader(tree, chunks));
    }

    /** Which chunks of the files of a container are missing, in words; empty if none is. Bytes of files are not read. */
    public Optional<String> missing(Snapshot.Tree tree) throws IOException {
        return Optional.ofNullable(TreeChunks.missing(tree, chunks, chunks::has));
    }

    /** How the disks differ between two snapshots; chunks of data are not read. */
    public Map<DeviceName, Difference> differences(Snapshot first, Snapshot second) throws IOException {
        return Difference.of(first, second, chunks);
    }

    /**
     * Shows which files differ between two snapshots of containers; bytes of files are not read.
     *
     * @throws IllegalArgumentException if one of them is of a VM
     */
    public void fileDifferences(Snapshot first, Snapshot second, Consumer<FileDifference> shown) throws IOException {
        TreeReader before = tree(first).orElseThrow(IllegalArgumentException::new);
        FileDifference.each(before, tree(second).orElseThrow(IllegalArgumentException::new), shown);
    }

    /** Whether every chunk of a disk is there, so that it can be the base of a backup. Chunks of data are not read. */
    public boolean isWhole(Snapshot.Disk disk) throws IOException {
        DiskTable table = DiskTable.of(disk, chunks);
        try {
            for (long chunk = 0; chunk < table.count(); chunk++) {
                ChunkId id = table.get(chunk);
                if (!id.isZeroes() && !chunks.has(id)) {
                    return false;
                }
            }
            return true;
        } catch (BadRepositoryException e) {
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        try (lease;
                chunks) {
            disks.forEach(DiskReader::close);
        }
    }
}

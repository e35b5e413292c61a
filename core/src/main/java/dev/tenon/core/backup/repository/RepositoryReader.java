package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.backup.DeviceName;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/** Reads snapshots. What it has found stays readable until it is closed, even if it is forgotten and collected meanwhile. */
public final class RepositoryReader implements AutoCloseable {
    private final Repository repository;
    private final Lease lease;
    private final ChunkReader chunks;

    RepositoryReader(Repository repository, Lease lease, ChunkReader chunks) {
        this.repository = repository;
        this.lease = lease;
        this.chunks = chunks;
    }

    /** A snapshot; empty if there is none. */
    public Optional<Snapshot> find(SnapshotId id) throws IOException {
        return repository.find(id);
    }

    /** A disk of a snapshot; empty if the snapshot has none of this name. */
    public Optional<DiskReader> disk(Snapshot snapshot, DeviceName device) throws IOException {
        Snapshot.Disk disk = snapshot.disks().get(device);
        if (disk == null) {
            return Optional.empty();
        }
        DiskTable table = DiskTable.of(disk, chunks);
        return Optional.of(new DiskReader(disk.size(), table, chunks));
    }

    /** How the disks differ between two snapshots; chunks of data are not read. */
    public Map<DeviceName, Difference> differences(Snapshot first, Snapshot second) throws IOException {
        return Difference.of(first, second, chunks);
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
            // both are closed
        }
    }
}

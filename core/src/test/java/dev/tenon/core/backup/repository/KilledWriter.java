package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Random;

/**
 * A process that makes backups, forgets some and collects, one after the other, until it is killed. It says what it has
 * published only after that.
 */
final class KilledWriter {
    private static final int SIZE = 3 * DiskTable.CHUNK / 2;

    private KilledWriter() {}

    /** Arguments: the repository, the guest, the seed of the first backup. */
    public static void main(String[] arguments) throws Exception {
        Vmid guest = new Vmid(Long.parseLong(arguments[1]));
        long seed = Long.parseLong(arguments[2]);
        try (Repository repository = Repository.open(Path.of(arguments[0]))) {
            while (true) {
                SnapshotId id;
                try (SnapshotWriter writer =
                        repository.write("default", GuestType.QEMU, guest, Instant.ofEpochSecond(seed))) {
                    writer.disk(new DeviceName("drive-scsi0"), ByteSize.ofBytes(SIZE))
                            .write(0, ByteBuffer.wrap(content(seed)));
                    id = writer.publish(RawConfig.of(new byte[0]), null).id();
                }
                System.out.println("published " + id.time().getEpochSecond());
                List<SnapshotId> own = repository.list("default").stream()
                        .filter(other -> other.guest().equals(guest))
                        .toList();
                if (own.size() > 3) {
                    System.out.println("forgetting " + own.getFirst().time().getEpochSecond());
                    repository.forget(own.getFirst());
                    collect(repository);
                }
                seed++;
            }
        }
    }

    private static void collect(Repository repository) throws IOException {
        try {
            repository.collect();
        } catch (StorageException e) {
            if (e.error() != StorageError.IN_USE) {
                throw e;
            }
        }
    }

    /** Half of it is that of other seeds, too. */
    static byte[] content(long seed) {
        byte[] bytes = new byte[SIZE];
        new Random(seed).nextBytes(bytes);
        byte[] shared = new byte[DiskTable.CHUNK];
        new Random(seed / 3).nextBytes(shared);
        System.arraycopy(shared, 0, bytes, 0, shared.length);
        return bytes;
    }
}

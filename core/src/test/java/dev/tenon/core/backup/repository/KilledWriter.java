package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A process that works with a repository until it is killed: it makes backups of a VM or of a container, forgets some and
 * collects, one after the other; or it verifies, restores all, and collects. It says what it has published only after that.
 */
final class KilledWriter {
    private KilledWriter() {}

    /** What it does. */
    enum Role {
        DISK(100),
        TREE(101),
        KEEPER(102);

        private final int guest;

        Role(int guest) {
            this.guest = guest;
        }

        int guest() {
            return guest;
        }
    }

    /** Arguments: the repository, its role, the seed of the first backup. */
    public static void main(String[] arguments) throws Exception {
        Role role = Role.valueOf(arguments[1]);
        Vmid guest = new Vmid(role.guest);
        try (Repository repository = Repository.open(Path.of(arguments[0]))) {
            for (long seed = Long.parseLong(arguments[2]); ; seed++) {
                if (role == Role.KEEPER) {
                    keep(repository);
                } else {
                    backUp(repository, role, guest, seed);
                }
            }
        }
    }

    private static void backUp(Repository repository, Role role, Vmid guest, long seed) throws IOException {
        Snapshot made = role == Role.DISK ? Work.disk(repository, guest, seed) : Work.tree(repository, guest, seed);
        System.out.println("published " + made.id().time().getEpochSecond());
        List<SnapshotId> own = repository.list("default").stream()
                .filter(other -> other.guest().equals(guest))
                .toList();
        if (own.size() > 3) {
            System.out.println("forgetting " + own.getFirst().time().getEpochSecond());
            repository.forget(own.getFirst());
            collect(repository);
        }
    }

    private static void keep(Repository repository) throws IOException {
        Verifier.Verified verified = repository.verify();
        if (!verified.packs().isEmpty() || !verified.snapshots().isEmpty()) {
            System.out.println("damaged " + verified);
        }
        for (SnapshotId id : repository.list("default")) {
            if (!Work.isGood(repository, id)) {
                System.out.println("wrong bytes in " + id);
            }
        }
        System.out.println("published 0");
        collect(repository);
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
}

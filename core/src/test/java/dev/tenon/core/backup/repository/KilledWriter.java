package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * A process that works with a repository until it is killed: it makes backups of a VM or of a container, forgets some and
 * collects, one after the other; or it verifies, restores all, repairs where there is parity, and collects; or it changes keys.
 * It says what it has published only after that.
 */
final class KilledWriter {
    private KilledWriter() {}

    /** What it does. */
    enum Role {
        DISK(100),
        TREE(101),
        KEEPER(102),
        KEYS(103);

        private final int guest;

        Role(int guest) {
            this.guest = guest;
        }

        int guest() {
            return guest;
        }
    }

    /** By what the repository is opened; it stays the same, though it is made anew again and again. */
    static final String KEY = "main";

    /** Arguments: the repository, its role, the seed of the first backup; a key file if the repository is encrypted. */
    public static void main(String[] arguments) throws Exception {
        Role role = Role.valueOf(arguments[1]);
        Vmid guest = new Vmid(role.guest);
        Unlocking key = arguments.length > 3 ? Unlocking.ofFile(Files.readString(Path.of(arguments[3]))) : null;
        Path place = Path.of(arguments[0]);
        try (Repository repository = Repository.open(place, key)) {
            for (long seed = Long.parseLong(arguments[2]); ; seed++) {
                switch (role) {
                    case DISK, TREE -> backUp(repository, role, guest, seed);
                    case KEEPER -> keep(repository, new Layout(place));
                    case KEYS -> changeKeys(repository, Objects.requireNonNull(key));
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

    /** One that comes and goes, and the one that stays. */
    private static void changeKeys(Repository repository, Unlocking key) throws IOException {
        RepositoryKeys keys = repository.keys();
        if (keys.slots().stream().anyMatch(slot -> slot.name().equals("other"))) {
            keys.remove("other");
        }
        keys.add("other", Unlocking.KeyFile.generate(), true);
        keys.change("other", Unlocking.KeyFile.generate());
        keys.change(KEY, key);
        keys.remove("other");
        System.out.println("published 0");
    }

    private static void keep(Repository repository, Layout layout) throws IOException {
        Verifier.Verified verified = repository.verify();
        if (!verified.packs().isEmpty() || !verified.snapshots().isEmpty()) {
            System.out.println("damaged " + verified);
        }
        for (SnapshotId id : repository.list("default")) {
            if (!Work.isGood(repository, id)) {
                System.out.println("wrong bytes in " + id);
            }
        }
        if (layout.parityPercent() > 0) {
            Repairer.Repaired repaired = repository.repair();
            if (!repaired.repaired().isEmpty() || !repaired.lost().isEmpty()) {
                System.out.println("damaged " + repaired);
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

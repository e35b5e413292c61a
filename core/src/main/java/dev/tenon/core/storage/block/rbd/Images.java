package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.DiskNames;
import dev.tenon.core.storage.common.Unfinished;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The images of a storage, and what is done with them. Names are those of images, without base images before them. */
final class Images {
    /** What an image is called that is being imported. */
    static final String STAGED = "tenon-import-";

    private static final String SNAPSHOT = "--snap";
    private static final long MIB = 1 << 20;

    /** A cluster forgets a client that was killed within half a minute. */
    private static final Duration FORGOTTEN = Duration.ofSeconds(45);

    private static final Duration LOOK = Duration.ofSeconds(1);

    private final Rbd rbd;
    private final Storage storage;

    Images(Rbd rbd, Storage storage) {
        this.rbd = rbd;
        this.storage = storage;
    }

    Rbd rbd() {
        return rbd;
    }

    Storage storage() {
        return storage;
    }

    String place(String image) {
        return Configuration.place(storage, image);
    }

    /** A free name for a guest's image: every name that has its number in it takes it. */
    String freeName(Vmid owner) {
        return DiskNames.free(storage, rbd.names(), owner, Format.Image.RAW, false, false);
    }

    /** What an image is called while its content arrives. */
    String stagingName(String name) {
        return STAGED + UUID.randomUUID().toString().substring(0, 8) + "-" + name;
    }

    void refuseTaken(String name) {
        if (exists(name)) {
            throw taken(name);
        }
    }

    private StorageException taken(String name) {
        return StorageException.refused(
                StorageError.ALREADY_EXISTS,
                "target volume " + Quoted.of(name) + " already exists in storage '" + storage.id() + "'");
    }

    boolean exists(String name) {
        return rbd.names().contains(name);
    }

    private static String mib(ByteSize size) {
        return Long.toString(size.bytes() / MIB + (size.bytes() % MIB == 0 ? 0 : 1));
    }

    /** Makes an image; its size is rounded up to MiB. */
    void create(String name, ByteSize size) {
        refuseTaken(name);
        List<String> arguments = new ArrayList<>(List.of("--image-format", "2", "--size", mib(size)));
        Configuration.dataPool(storage).ifPresent(pool -> arguments.addAll(List.of("--data-pool", pool)));
        arguments.add(name);
        rbd.told(
                () -> rbd.change("rbd create '" + name + "' error", "create", arguments.toArray(String[]::new)),
                () -> !exists(name));
    }

    /**
     * Removes an image with its snapshots, if it is there. Nothing is changed if something depends on it or has it open: the
     * snapshots would be gone, and the image would stay.
     *
     * @param unmap removes its device
     */
    void remove(String name, Runnable unmap) {
        List<Image.Snapshot> snapshots;
        try {
            snapshots = rbd.snapshots(name);
        } catch (StorageException e) {
            if (e.error() == StorageError.NOT_FOUND && !exists(name)) {
                return;
            }
            throw e;
        }
        if (!snapshots.isEmpty()) {
            refuseCloned(name, null);
        }
        unmap.run();
        List<String> watchers = rbd.watchers(name);
        if (!watchers.isEmpty()) {
            throw StorageException.refused(
                    StorageError.IN_USE,
                    "rbd rm '" + name + "' error: image '" + place(name) + "' is open at " + String.join(", ", watchers)
                            + "; a client that was killed is forgotten within a minute");
        }
        for (Image.Snapshot snapshot : snapshots) {
            if (snapshot.isProtected()) {
                unprotect(name, snapshot.name());
            }
        }
        if (!snapshots.isEmpty()) {
            rbd.longChange("rbd snap purge '" + name + "' error", "snap", "purge", "--no-progress", name);
            refuseUnpurged(name);
        }
        rbd.longChange("rbd rm '" + name + "' error", "rm", "--no-progress", name);
    }

    /** The command says success if snapshots are left. */
    private void refuseUnpurged(String name) {
        List<String> left =
                rbd.snapshots(name).stream().map(Image.Snapshot::name).toList();
        if (!left.isEmpty()) {
            throw new StorageException(
                    StorageError.IN_USE,
                    Outcome.UNKNOWN,
                    "rbd snap purge '" + name + "' error: snapshots are left: " + String.join(", ", left));
        }
    }

    /**
     * Refuses to go on if there are linked clones.
     *
     * @param snapshot the snapshot that they are of, null for any
     */
    private void refuseCloned(String name, @Nullable String snapshot) {
        List<String> clones = rbd.children(name, snapshot);
        if (!clones.isEmpty()) {
            throw StorageException.refused(
                    StorageError.IN_USE,
                    "image '" + place(name) + (snapshot == null ? "" : "@" + snapshot)
                            + "' has at least 1 child, so it is still in use by linked clones: "
                            + String.join(", ", clones));
        }
    }

    private void unprotect(String name, String snapshot) {
        rbd.change(
                "rbd unprotect " + name + " snap '" + snapshot + "' error",
                "snap",
                "unprotect",
                SNAPSHOT,
                snapshot,
                name);
    }

    private void protect(String name, String snapshot) {
        rbd.change(
                "rbd protect " + name + " snap '" + snapshot + "' error", "snap", "protect", SNAPSHOT, snapshot, name);
    }

    private Optional<Image.Snapshot> find(String name, String snapshot) {
        return rbd.snapshots(name).stream()
                .filter(each -> each.name().equals(snapshot))
                .findFirst();
    }

    /** Whether it is there and as protected as before. */
    private boolean isStill(String name, Image.Snapshot before) {
        return find(name, before.name()).filter(before::equals).isPresent();
    }

    private Image.Snapshot present(String name, String snapshot) {
        return find(name, snapshot)
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_FOUND,
                        "snapshot '" + snapshot + "' does not exist on image '" + place(name) + "'"));
    }

    /** Refuses an image, or a snapshot of one, that is not there. */
    void refuseMissing(String name, @Nullable String snapshot) {
        if (snapshot == null) {
            rbd.info(name);
        } else {
            present(name, snapshot);
        }
    }

    /** Refuses an image whose parent is another than its name says. */
    void refuseOtherParent(VolumeName volume, ParsedVolume.GuestImage parsed) {
        Answers.Info info = rbd.info(parsed.name());
        if (info.format() != 2) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "rbd image must be at format V2, and '" + place(parsed.name()) + "' is at " + info.format());
        }
        ParsedVolume.Base base = parsed.base();
        if (base != null && !(base.name() + "@" + RbdNames.BASE_SNAPSHOT).equals(info.parent())) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "volname '" + volume + "' contains wrong information about parent " + info.parent());
        }
    }

    /** Renames an image; a name that is taken is refused. */
    void rename(String from, String to) {
        List<String> names = rbd.names();
        if (!names.contains(from)) {
            throw StorageException.refused(
                    StorageError.NOT_FOUND,
                    "rbd rename '" + from + "' error: no such image '" + place(from) + "' in storage '" + storage.id()
                            + "'");
        }
        if (names.contains(to)) {
            throw taken(to);
        }
        rbd.told(
                () -> rbd.change("rbd rename '" + from + "' error", "rename", place(from), place(to)),
                () -> exists(from) && !exists(to));
    }

    /** Makes sure that an image has a protected snapshot for clones. */
    void protectBase(String name) {
        Optional<Image.Snapshot> snapshot = find(name, RbdNames.BASE_SNAPSHOT);
        if (snapshot.isEmpty()) {
            create(name, RbdNames.BASE_SNAPSHOT);
        }
        if (snapshot.filter(Image.Snapshot::isProtected).isEmpty()) {
            protect(name, RbdNames.BASE_SNAPSHOT);
        }
    }

    private void create(String name, String snapshot) {
        rbd.change("rbd snapshot '" + name + "' error", "snap", "create", "--no-progress", SNAPSHOT, snapshot, name);
    }

    /** Makes a linked clone of a snapshot, which is protected first. */
    void cloneImage(String name, String snapshot, String clone) {
        Image.Snapshot before = present(name, snapshot);
        List<String> arguments = new ArrayList<>(List.of(place(name), SNAPSHOT, snapshot));
        Configuration.dataPool(storage).ifPresent(pool -> arguments.addAll(List.of("--data-pool", pool)));
        arguments.add(place(clone));
        rbd.told(
                () -> {
                    if (!before.isProtected()) {
                        protect(name, snapshot);
                    }
                    rbd.change("rbd clone '" + name + "' error", "clone", arguments.toArray(String[]::new));
                },
                () -> !exists(clone) && isStill(name, before));
    }

    /** Makes an image larger; a size is rounded up to MiB. */
    void resize(String name, ByteSize size) {
        long before = rbd.info(name).size();
        if (size.bytes() < before) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "unable to shrink image '" + place(name) + "' from " + before + " to " + size.bytes()
                            + " bytes: what is at its end would be lost");
        }
        if (size.bytes() == before) {
            return;
        }
        rbd.told(
                () -> rbd.change(
                        "rbd resize '" + name + "' error", "resize", "--no-progress", "--size", mib(size), name),
                () -> rbd.info(name).size() == before);
    }

    void refuseSnapshot(String name, String snapshot) {
        if (find(name, snapshot).isPresent()) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS,
                    "rbd snapshot '" + name + "' error: snapshot '" + snapshot + "' already exists");
        }
    }

    void snapshot(String name, String snapshot) {
        refuseSnapshot(name, snapshot);
        rbd.told(() -> create(name, snapshot), () -> find(name, snapshot).isEmpty());
    }

    void rollback(String name, String snapshot) {
        present(name, snapshot);
        rbd.longChange(
                "rbd snapshot " + name + " to '" + snapshot + "' error",
                "snap",
                "rollback",
                "--no-progress",
                SNAPSHOT,
                snapshot,
                name);
    }

    void deleteSnapshot(String name, String snapshot) {
        Image.Snapshot before = present(name, snapshot);
        if (before.isProtected()) {
            refuseCloned(name, snapshot);
        }
        rbd.told(
                () -> {
                    if (before.isProtected()) {
                        unprotect(name, snapshot);
                    }
                    rbd.longChange(
                            "rbd snapshot '" + name + "' error",
                            "snap",
                            "rm",
                            "--no-progress",
                            SNAPSHOT,
                            snapshot,
                            name);
                },
                () -> isStill(name, before));
    }

    /**
     * Gives an image that has arrived its name; if it cannot have it, it is removed. The caller holds the lock.
     *
     * @return the name
     */
    String unstage(String staged, ParsedVolume.GuestImage wanted, boolean allowRename) {
        String name;
        try {
            Vmid owner = wanted.owner();
            name = allowRename && owner != null && exists(wanted.name())
                    ? freeNameBeside(staged, owner)
                    : wanted.name();
            rename(staged, name);
        } catch (StorageException e) {
            throw discarded(staged, e);
        }
        if (wanted.isBase() && name.equals(wanted.name())) {
            protectBase(name);
        }
        return name;
    }

    private String freeNameBeside(String staged, Vmid owner) {
        List<String> others =
                rbd.names().stream().filter(name -> !name.equals(staged)).toList();
        return DiskNames.free(storage, others, owner, Format.Image.RAW, false, false);
    }

    /** Removes an image without snapshots, or what there is of one. */
    void erase(String name) {
        if (exists(name)) {
            rbd.longChange("rbd rm '" + name + "' error", "rm", "--no-progress", name);
        }
    }

    /**
     * The same of an image that a command had open which was killed: the cluster believes for a while that it still has. An
     * interruption ends the waiting.
     */
    private void eraseOnceClosed(String name) {
        long end = System.nanoTime() + FORGOTTEN.toNanos();
        while (true) {
            try {
                erase(name);
                return;
            } catch (StorageException e) {
                if (e.error() != StorageError.IN_USE || !awaitClosed(name, end)) {
                    throw e;
                }
            }
        }
    }

    /** Whether nobody has an image open any more. */
    private boolean awaitClosed(String name, long end) {
        while (!rbd.watchers(name).isEmpty()) {
            if (Thread.currentThread().isInterrupted() || System.nanoTime() - end > 0) {
                return false;
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
        return System.nanoTime() - end <= 0;
    }

    /** Removes what has arrived of an image; the failure that made it useless keeps its message. */
    StorageException discarded(String staged, StorageException failure) {
        return Unfinished.removed(() -> eraseOnceClosed(staged), "image '" + place(staged) + "'", failure);
    }
}

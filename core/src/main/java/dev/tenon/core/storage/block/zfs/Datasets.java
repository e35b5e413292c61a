package dev.tenon.core.storage.block.zfs;

import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.storage.common.DiskNames;
import dev.tenon.core.storage.common.Unfinished;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The datasets of a storage, and what is done with them. Names are those in the storage's own dataset. */
final class Datasets {
    /** What a dataset is called that is being imported. */
    static final String STAGED = "tenon-import-";

    private static final int RANDOM = 8;

    private static final Logger LOG = LoggerFactory.getLogger(Datasets.class);

    private static final long MIB = 1 << 20;
    private static final Duration LOOK = Duration.ofMillis(20);

    /** Something may look at a volume for a moment, for instance udev. */
    private static final int MOST_TRIES = 6;

    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final Zfs zfs;
    private final Storage storage;
    private final String place;

    Datasets(Zfs zfs, Storage storage) {
        this.zfs = zfs;
        this.storage = storage;
        place = Configuration.place(storage);
    }

    Zfs zfs() {
        return zfs;
    }

    String place(String name) {
        return place + "/" + name;
    }

    Path device(String name) {
        return zfs.host().volumes().resolve(place).resolve(name);
    }

    // ---- questions

    /** What is directly in the storage's dataset, whatever it is; {@code STORAGE_UNAVAILABLE} if that is not there. */
    List<Dataset> all() {
        try {
            return zfs.within(place);
        } catch (StorageException e) {
            throw e.error() == StorageError.NOT_FOUND ? unavailable() : e;
        }
    }

    private StorageException unavailable() {
        return StorageException.refused(
                StorageError.STORAGE_UNAVAILABLE,
                "zfs error: cannot open '" + place + "': dataset does not exist (storage '" + storage.id()
                        + "'): its pool is not imported, or it was removed");
    }

    /** A volume that is not found is missing only if its storage is there. */
    void requirePlace() {
        if (zfs.find(place).isEmpty()) {
            throw unavailable();
        }
    }

    boolean exists(String name) {
        return zfs.find(place(name)).isPresent();
    }

    /** The dataset of an image; {@code NOT_FOUND} if there is none. */
    Dataset present(ParsedVolume.GuestImage image) {
        Dataset dataset = zfs.find(place(image.name())).orElseThrow(() -> missing(image.name()));
        refuseOther(dataset, image);
        return dataset;
    }

    void refuseOther(Dataset dataset, ParsedVolume.GuestImage image) {
        if (dataset.format() != image.format()) {
            throw StorageException.refused(
                    StorageError.NOT_FOUND,
                    "dataset '" + dataset.name() + "' is of format '"
                            + dataset.format().word() + "', and no volume of storage '" + storage.id() + "'");
        }
    }

    private StorageException missing(String name) {
        requirePlace();
        return StorageException.refused(
                StorageError.NOT_FOUND,
                "zfs error: cannot open '" + place(name) + "': dataset does not exist in storage '" + storage.id()
                        + "'");
    }

    /** A free name for a guest's image: whatever has its number in its name takes it. */
    String freeName(Vmid owner, Format format) {
        return freeName(all(), owner, format, null);
    }

    private String freeName(List<Dataset> all, Vmid owner, Format format, @Nullable String besides) {
        List<String> names = all.stream()
                .flatMap(dataset -> Optional.ofNullable(dataset.nameIn(place)).stream())
                .filter(name -> !name.equals(besides))
                .toList();
        return DiskNames.free(storage, names, owner, format, false, true);
    }

    // ---- devices

    /** Whether the name of a volume is linked to a device. */
    boolean isLinked(String name) {
        try {
            return FileStatus.of(device(name)).isBlockDevice();
        } catch (IOException e) {
            return false;
        }
    }

    /** Waits until udev has linked the name of a volume to its device. */
    void awaitLink(String name) {
        if (!await(() -> isLinked(name))) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.FAILED_CLEAN,
                    "timeout: no zvol device link for '" + name + "' found after "
                            + zfs.host().appearance().toSeconds() + " sec.: there is no '" + device(name) + "'");
        }
    }

    /** Waits until udev has removed the link of a volume that is gone: it leads to the device of another by now. */
    private void awaitNoLink(String name) {
        if (!await(() -> !Files.exists(device(name), LinkOption.NOFOLLOW_LINKS))) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "'" + device(name) + "' is left of a volume that is gone, and udev has not removed it in "
                            + zfs.host().appearance().toSeconds()
                            + " seconds: remove it, unless there is such a volume");
        }
    }

    private boolean await(BooleanSupplier condition) {
        long end = System.nanoTime() + zfs.host().appearance().toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0 || Thread.currentThread().isInterrupted()) {
                return false;
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
        return true;
    }

    /** Makes an image usable: a volume has its device, a file system is mounted. */
    void activate(ParsedVolume.GuestImage image) {
        Dataset dataset = present(image);
        if (image.format() == Format.Image.RAW) {
            awaitLink(image.name());
        } else if (!dataset.isMounted()) {
            zfs.told(
                    () -> zfs.change("mount", dataset.name()),
                    () -> !present(image).isMounted());
        }
    }

    // ---- images

    private static String kib(long bytes) {
        return ByteSize.ofBytes(bytes).kibRoundedUp() + "k";
    }

    /** A size of whole MiB, of which every block size is a part. */
    private static String mib(long bytes) {
        return kib((bytes / MIB + (bytes % MIB == 0 ? 0 : 1)) * MIB);
    }

    private static String quota(long bytes) {
        return bytes == 0 ? "none" : kib(bytes);
    }

    /** Makes an image. */
    void create(String name, Format format, ByteSize size) {
        List<String> words = new ArrayList<>(List.of("create"));
        if (format == Format.Image.RAW) {
            if (Configuration.isSparse(storage)) {
                words.add("-s");
            }
            Configuration.blockSize(storage).ifPresent(blocks -> words.addAll(List.of("-b", blocks)));
            words.addAll(List.of("-V", mib(size.bytes())));
        } else {
            words.addAll(List.of("-o", "acltype=posixacl", "-o", "xattr=sa", "-o", "refquota=" + quota(size.bytes())));
        }
        words.add(place(name));
        make(name, format, words);
    }

    /** Makes a linked clone of a base image. */
    void cloneImage(ParsedVolume.GuestImage base, String snapshot, String name) {
        Dataset dataset = present(base);
        List<String> words = new ArrayList<>(List.of("clone", dataset.name() + "@" + snapshot, place(name)));
        if (base.format() == Format.Image.SUBVOL) {
            words.addAll(1, List.of("-o", "refquota=" + exactQuota(dataset.size())));
        }
        make(name, base.format(), words);
    }

    /** A quota as it is set: 0, which ZFS tells, is not taken. */
    private static String exactQuota(long bytes) {
        return bytes == 0 ? "none" : Long.toString(bytes);
    }

    /** Makes a dataset of a name that nobody has, and removes it if it cannot be used. */
    private void make(String name, Format format, List<String> words) {
        if (exists(name)) {
            // What is there is not what would be removed below.
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS,
                    "zfs error: cannot create '" + place(name) + "': dataset already exists");
        }
        if (format == Format.Image.RAW) {
            awaitNoLink(name);
        }
        try {
            zfs.told(() -> zfs.change(words.toArray(String[]::new)), () -> !exists(name));
            if (format == Format.Image.RAW) {
                awaitLink(name);
            }
        } catch (StorageException e) {
            throw e.outcome() == Outcome.NOT_STARTED ? e : discarded(name, e);
        }
    }

    /** Removes what there is of a dataset that was being made; the failure that made it useless keeps its message. */
    StorageException discarded(String name, StorageException failure) {
        return Unfinished.removed(() -> erase(name), "dataset '" + place(name) + "'", failure);
    }

    /** Removes a dataset with its snapshots, if it is there. */
    void erase(String name) {
        untilUnused(() -> {
            try {
                zfs.change("destroy", "-r", place(name));
            } catch (StorageException e) {
                if (e.error() != StorageError.NOT_FOUND) {
                    throw e;
                }
            }
        });
    }

    /** Tries again for a while if something is busy. */
    static void untilUnused(Runnable work) {
        for (int tries = 1; ; tries++) {
            try {
                work.run();
                return;
            } catch (StorageException e) {
                if (tries == MOST_TRIES || !isBusy(e) || Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                LockSupport.parkNanos(PAUSE.toNanos());
            }
        }
    }

    private static boolean isBusy(StorageException failure) {
        return failure.error() == StorageError.IN_USE
                && String.valueOf(failure.getMessage()).contains("is busy");
    }

    void unmount(ParsedVolume.GuestImage image) {
        zfs.told(
                () -> {
                    try {
                        zfs.change("unmount", place(image.name()));
                    } catch (StorageException e) {
                        if (!String.valueOf(e.getMessage()).contains("not currently mounted")) {
                            throw e;
                        }
                    }
                },
                () -> present(image).isMounted());
    }

    /** Renames an image; a name that is taken is refused. */
    void rename(ParsedVolume.GuestImage image, String to) {
        present(image);
        refuseTaken(to);
        renameDataset(image.name(), to, image.format());
    }

    private void renameDataset(String from, String to, Format format) {
        if (format == Format.Image.RAW) {
            awaitNoLink(to);
        }
        zfs.told(() -> zfs.change("rename", place(from), place(to)), () -> exists(from) && !exists(to));
    }

    /** Gives an image the name of a base image, and takes the snapshot of which clones are made. */
    void makeBase(ParsedVolume.GuestImage image, ParsedVolume.GuestImage base) {
        rename(image, base.name());
        try {
            snapshot(base, ZfsNames.BASE_SNAPSHOT);
        } catch (StorageException e) {
            throw renamedBack(image, base, e);
        }
    }

    private StorageException renamedBack(
            ParsedVolume.GuestImage image, ParsedVolume.GuestImage base, StorageException failure) {
        try {
            if (failure.outcome() != Outcome.UNKNOWN) {
                Uninterrupted.run(() -> renameDataset(base.name(), image.name(), image.format()));
                return new StorageException(failure.error(), Outcome.FAILED_CLEAN, failure.getMessage(), failure);
            }
        } catch (StorageException e) {
            failure.addSuppressed(e);
        }
        return new StorageException(
                failure.error(),
                Outcome.UNKNOWN,
                failure.getMessage() + "; the dataset is called '" + place(base.name())
                        + "' now, and the doctor makes the snapshot that it may lack",
                failure);
    }

    void refuseTaken(String name) {
        if (exists(name)) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS,
                    "target volume " + Quoted.of(name) + " already exists in storage '" + storage.id() + "'");
        }
    }

    /** Makes an image larger; a volume's size is rounded up to MiB. */
    void resize(ParsedVolume.GuestImage image, ByteSize size) {
        long before = present(image).size();
        boolean isVolume = image.format() == Format.Image.RAW;
        if (isVolume && size.bytes() < before) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "unable to shrink volume '" + place(image.name()) + "' from " + before + " to " + size.bytes()
                            + " bytes: what is at its end would be lost");
        }
        if (size.bytes() == before) {
            return;
        }
        zfs.told(
                () -> zfs.change(
                        "set",
                        isVolume ? "volsize=" + mib(size.bytes()) : "refquota=" + quota(size.bytes()),
                        place(image.name())),
                () -> present(image).size() == before);
    }

    // ---- snapshots

    /** The snapshots of an image, the oldest first; {@code NOT_FOUND} if there is no such image. */
    List<Snapshot> snapshots(String name) {
        try {
            return zfs.snapshots(place(name));
        } catch (StorageException e) {
            throw e.error() == StorageError.NOT_FOUND ? missing(name) : e;
        }
    }

    Snapshot present(String name, String snapshot) {
        return snapshots(name).stream()
                .filter(each -> each.name().equals(snapshot))
                .findFirst()
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_FOUND,
                        "zfs error: cannot open '" + place(name) + "@" + snapshot + "': dataset does not exist"));
    }

    /** Takes a snapshot; it notes the quota of a file system. */
    void snapshot(ParsedVolume.GuestImage image, String snapshot) {
        Dataset dataset = present(image);
        List<String> words = new ArrayList<>(List.of("snapshot", dataset.name() + "@" + snapshot));
        if (image.format() == Format.Image.SUBVOL) {
            words.addAll(1, List.of("-o", Snapshot.QUOTA + "=" + dataset.size()));
        }
        zfs.told(
                () -> zfs.change(words.toArray(String[]::new)),
                () -> snapshots(image.name()).stream()
                        .noneMatch(each -> each.name().equals(snapshot)));
    }

    /** Rolls back to the latest snapshot, with the quota that a file system had. */
    void rollback(ParsedVolume.GuestImage image, String snapshot) {
        present(image);
        Snapshot wanted = present(image.name(), snapshot);
        untilUnused(() -> zfs.change("rollback", place(image.name()) + "@" + snapshot));
        if (image.format() == Format.Image.RAW) {
            return;
        }
        try {
            restoreQuota(image, wanted);
            // The kernel may still know files that are gone (OpenZFS issue 10931); activation mounts it again.
            unmount(image);
        } catch (StorageException e) {
            throw new StorageException(
                    e.error(),
                    Outcome.UNKNOWN,
                    e.getMessage() + "; what '" + place(image.name()) + "' holds is that of snapshot '" + snapshot
                            + "' already",
                    e);
        }
    }

    private void restoreQuota(ParsedVolume.GuestImage image, Snapshot snapshot) {
        if (snapshot.quota().matches("\\d{1,18}")) {
            zfs.change("set", "refquota=" + exactQuota(Long.parseLong(snapshot.quota())), place(image.name()));
        } else if (!snapshot.quota().equals("-")) {
            LOG.warn("property for refquota tracking contained unknown value {}", Quoted.of(snapshot.quota()));
        }
    }

    void deleteSnapshot(ParsedVolume.GuestImage image, String snapshot) {
        present(image);
        Snapshot before = present(image.name(), snapshot);
        untilUnused(() -> zfs.told(
                () -> zfs.change("destroy", place(image.name()) + "@" + snapshot),
                () -> snapshots(image.name()).contains(before)));
    }

    // ---- imports

    /** What a dataset is called while its content arrives. */
    static String stagingName(String name) {
        return STAGED + UUID.randomUUID().toString().substring(0, RANDOM) + "-" + name;
    }

    /** The name that it will have; empty if it has not that form. */
    static String wantedName(String staged) {
        return staged.substring(Math.min(staged.length(), STAGED.length() + RANDOM + 1));
    }

    /**
     * Gives a dataset that has arrived its name; if it cannot have it, it is removed. The caller holds the lock.
     *
     * @return the name
     */
    String unstage(String staged, ParsedVolume.GuestImage wanted, boolean allowRename) {
        try {
            Vmid owner = wanted.owner();
            String name = allowRename && owner != null && exists(wanted.name())
                    ? freeName(all(), owner, wanted.format(), staged)
                    : wanted.name();
            refuseTaken(name);
            renameDataset(staged, name, wanted.format());
            return name;
        } catch (StorageException e) {
            throw discarded(staged, e);
        }
    }
}

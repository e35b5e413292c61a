package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.image.Preallocation;
import dev.tenon.core.image.QemuImg;
import dev.tenon.core.linux.FileMove;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.OptionalInt;

/** Snapshots that are files beside their image (PVE's {@code snapshot-as-volume-chain}). */
final class ChainSnapshots {
    private static final SnapshotName CURRENT = new SnapshotName(SnapshotChain.CURRENT);

    private ChainSnapshots() {}

    /** Renames the image to a snapshot, or back. */
    interface Renaming {
        void rename(SnapshotName from, SnapshotName to);
    }

    /**
     * Makes the image a snapshot, and an empty image on top of it. The image is never missing, where the file system can
     * give a file two names.
     *
     * @throws StorageException {@code ALREADY_EXISTS}; {@code FAILED_CLEAN} if the image is what it was
     */
    static void take(Storage storage, ImageLocation image, SnapshotName snapshot) {
        Path file = snapshotFile(image, snapshot);
        take(
                storage,
                image,
                snapshot,
                new ByLink(image, snapshot, file),
                (from, to) -> rename(
                        image,
                        from.equals(CURRENT) ? image.file() : file,
                        to.equals(CURRENT) ? image.file() : file,
                        from,
                        to));
    }

    /** As the other, of a plugin that renames its images itself: the image is missing between two renames. */
    static void take(Storage storage, ImageLocation image, SnapshotName snapshot, Renaming renaming) {
        take(storage, image, snapshot, (overlay, target) -> false, renaming);
    }

    private interface InOneStep {
        /** Whether the image got its second name and the new image its place; if not, nothing is changed. */
        boolean place(Path overlay, Path target) throws IOException;
    }

    private static void take(
            Storage storage, ImageLocation image, SnapshotName snapshot, InOneStep inOneStep, Renaming renaming) {
        refuseCurrent(image, snapshot);
        ImageInfo info = image.check();
        Path file = snapshotFile(image, snapshot);
        // A snapshot that is the image itself was left by one that was interrupted.
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS) && !FileIdentity.isSame(file, image.file())) {
            throw alreadyExists(image, snapshot);
        }
        overlay(storage, image, String.valueOf(file.getFileName()), info.size(), (overlay, target) -> {
            if (inOneStep.place(overlay, target)) {
                return;
            }
            renaming.rename(CURRENT, snapshot);
            try {
                FileMove.withoutReplacing(overlay, target);
            } catch (IOException e) {
                throw undone(image, snapshot, renaming, e);
            }
        });
    }

    private static StorageException alreadyExists(ImageLocation image, SnapshotName snapshot) {
        return StorageException.refused(
                StorageError.ALREADY_EXISTS, "snapshot '" + snapshot + "' already exists on '" + image.volid() + "'");
    }

    private static Path snapshotFile(ImageLocation image, SnapshotName snapshot) {
        return image.file()
                .resolveSibling(
                        SnapshotChain.fileName(String.valueOf(image.file().getFileName()), snapshot));
    }

    /** Gives the image its second name, and then puts the new one into the place of the first. */
    private record ByLink(ImageLocation image, SnapshotName name, Path snapshot) implements InOneStep {
        @Override
        public boolean place(Path overlay, Path target) throws IOException {
            image.bounds().refuseWayOut(snapshot, image.volid().toString());
            try {
                if (!FileIdentity.isSame(snapshot, target)) {
                    Files.createLink(snapshot, target);
                }
            } catch (FileAlreadyExistsException e) {
                throw alreadyExists(image, name);
            } catch (IOException | UnsupportedOperationException e) {
                return false; // and let the renaming tell what is wrong, if it is more than that
            }
            try {
                Files.move(overlay, target, StandardCopyOption.ATOMIC_MOVE);
                return true;
            } catch (IOException e) {
                // some file systems rename and then report a failure: then this is the only name of the image
                if (FileIdentity.isSame(snapshot, target)) {
                    Files.delete(snapshot);
                }
                throw e;
            }
        }
    }

    private static StorageException undone(
            ImageLocation image, SnapshotName snapshot, Renaming renaming, IOException failure) {
        String doing = "unable to put a new image in the place of '" + image.file() + "'";
        try {
            renaming.rename(snapshot, CURRENT);
            return Failures.of(failure, Outcome.FAILED_CLEAN, doing);
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return Failures.of(
                    failure, Outcome.UNKNOWN, doing + ", which now is snapshot '" + snapshot + "' and nothing else");
        }
    }

    private static void overlay(
            Storage storage, ImageLocation image, String below, ByteSize size, ImageAllocation.Placing placing) {
        ImageAllocation.overlay(
                image.file(),
                new ImageAllocation.Below(below, Format.Image.QCOW2, size),
                Preallocation.of(storage, Format.Image.QCOW2),
                placing);
    }

    /** Whether this is the newest snapshot: what is newer would be lost with the image. */
    static Rollback rollbackIsPossible(SnapshotChain chain, SnapshotName snapshot) {
        String volid = chain.image().volid().toString();
        OptionalInt position = chain.position(snapshot);
        if (position.isEmpty()) {
            return new Rollback.Blocked(
                    "can't rollback, snapshot '" + snapshot + "' does not exist on '" + volid + "'", List.of());
        }
        List<SnapshotName> newer = chain.newerThan(position.getAsInt());
        return newer.isEmpty()
                ? new Rollback.Possible()
                : new Rollback.Blocked(
                        "can't rollback, '" + snapshot + "' is not most recent snapshot on '" + volid + "'", newer);
    }

    /** Puts an empty image on top of the newest snapshot into the place of the image. */
    static void rollback(Storage storage, SnapshotChain chain, SnapshotName snapshot) {
        SnapshotChain.Link newest = chain.links().get(position(chain, snapshot));
        overlay(
                storage,
                chain.image(),
                newest.fileName(),
                newest.size(),
                (overlay, target) -> Files.move(overlay, target, StandardCopyOption.ATOMIC_MOVE));
    }

    /** Deletes a snapshot of an image that nobody uses. */
    static void delete(SnapshotChain chain, SnapshotName snapshot) {
        refuseCurrent(chain.image(), snapshot);
        int position = position(chain, snapshot);
        SnapshotChain.Link link = chain.links().get(position);
        SnapshotChain.Link child = chain.links().get(position - 1);
        if (position + 1 < chain.links().size()) {
            rebase(child, chain.links().get(position + 1));
            deleteFile(chain.image(), link.file(), Outcome.UNKNOWN);
        } else {
            commit(child, link);
        }
    }

    private static void rebase(SnapshotChain.Link child, SnapshotChain.Link parent) {
        try {
            QemuImg.rebase(child.file(), parent.fileName(), child.size());
        } catch (StorageException e) {
            throw new StorageException(e.error(), Outcome.FAILED_CLEAN, e.getMessage(), e);
        }
    }

    /** The oldest snapshot takes in what its child has, and takes its place. */
    private static void commit(SnapshotChain.Link child, SnapshotChain.Link oldest) {
        try {
            QemuImg.commit(child.file(), child.size());
        } catch (StorageException e) {
            String message = e.outcome() == Outcome.UNKNOWN
                    ? e.getMessage() + "; snapshot '" + oldest.name()
                            + "' may hold newer data now, and can only be deleted again"
                    : e.getMessage();
            throw new StorageException(e.error(), e.outcome(), message, e);
        }
        try {
            Files.move(oldest.file(), child.file(), StandardCopyOption.ATOMIC_MOVE);
            Durable.nameOf(child.file());
        } catch (IOException e) {
            throw Failures.of(e, Outcome.UNKNOWN, "unable to rename '" + oldest.file() + "' to '" + child.file() + "'");
        }
    }

    /**
     * Deletes the file of a snapshot that QEMU has taken out of the chain.
     *
     * @param outcome what is known if that fails
     */
    static void deleteFile(ImageLocation image, Path file, Outcome outcome) {
        image.bounds().refuseWayOut(file, image.volid().toString());
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw Failures.of(e, outcome, "unable to delete snapshot file '" + file + "'");
        }
    }

    /**
     * Renames the file of a snapshot; what is based on it is for the caller to change.
     *
     * @throws StorageException {@code NOT_FOUND}, {@code ALREADY_EXISTS}
     */
    static void rename(ImageLocation image, Path source, Path target, SnapshotName from, SnapshotName to) {
        if (source.equals(target)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "unable to rename snapshot '" + from + "' of '" + image.volid() + "' to '" + to
                            + "': the snapshots of this storage have no files of their own");
        }
        image.bounds().refuseWayOut(source, image.volid().toString());
        image.bounds().refuseWayOut(target, image.volid().toString());
        try {
            FileMove.withoutReplacing(source, target);
        } catch (FileAlreadyExistsException e) {
            throw new StorageException(
                    StorageError.ALREADY_EXISTS,
                    Outcome.FAILED_CLEAN,
                    "target snapshot '" + to + "' already exists",
                    e);
        } catch (NoSuchFileException e) {
            throw new StorageException(
                    StorageError.NOT_FOUND,
                    Outcome.FAILED_CLEAN,
                    "snapshot '" + from + "' does not exist on '" + image.volid() + "'",
                    e);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "rename '" + source + "' to '" + target + "' failed");
        }
    }

    private static int position(SnapshotChain chain, SnapshotName snapshot) {
        return chain.position(snapshot)
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_FOUND,
                        "snapshot '" + snapshot + "' does not exist on '"
                                + chain.image().volid() + "'"));
    }

    private static void refuseCurrent(ImageLocation image, SnapshotName snapshot) {
        if (snapshot.equals(CURRENT)) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "snapshot name 'current' on '" + image.volid() + "' means the volume as it is now");
        }
    }
}

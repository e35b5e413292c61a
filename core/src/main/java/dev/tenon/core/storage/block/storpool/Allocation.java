package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Makes, changes and removes volumes. */
record Allocation(Use use) {
    private static final String IMAGES = "images";

    /**
     * A wanted volume. StorPool gives it an id, and the next number; only the kind of the wanted name counts.
     *
     * @param disk {@code state}, {@code cloudinit}, or null for an ordinary disk
     * @param snapshot of a state, null otherwise
     */
    record Wanted(
            Vmid owner, @Nullable String disk, @Nullable String snapshot, long bytes) {
        private static final int FIRST_GUEST = 100;
        private static final Pattern STATE = Pattern.compile("vm-(\\d+)-state-(.*?)(?:\\.raw)?");
        private static final Pattern CLOUD_INIT = Pattern.compile("vm-\\d*-cloudinit.*");

        static Wanted of(Vmid owner, Format format, @Nullable String name, ByteSize size) {
            if (format != Format.Image.RAW) {
                throw StorageException.refused(
                        StorageError.NOT_SUPPORTED, "unsupported format " + Quoted.of(format.word()));
            }
            if (owner.value() < FIRST_GUEST) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER,
                        "guest " + owner + " can have no volume in StorPool, whose guests begin at " + FIRST_GUEST);
            }
            long bytes = ByteSize.ofKib(size.kibRoundedUp()).bytes();
            if (bytes == 0) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER, "a volume of 0 bytes cannot be allocated: no guest could use it");
            }
            if (name == null) {
                return new Wanted(owner, null, null, bytes);
            }
            var _ = new VolumeName(name);
            Matcher state = STATE.matcher(name);
            if (state.matches()) {
                if (!state.group(1).equals(owner.toString())) {
                    throw StorageException.refused(
                            StorageError.INVALID_NAME,
                            "illegal name " + Quoted.of(name) + " - should be 'vm-" + owner + "-state-*'");
                }
                Snapshots.refuseUnfit(new SnapshotName(state.group(2)));
                return new Wanted(owner, NamedByTags.STATE, state.group(2), bytes);
            }
            return new Wanted(owner, CLOUD_INIT.matcher(name).matches() ? NamedByTags.CLOUD_INIT : null, null, bytes);
        }
    }

    /** The name that the next disk of a guest begins with. */
    String nextName(Vmid owner) {
        return "vm-" + owner + "-disk-" + use.nextDisk(use.api().objects(), owner);
    }

    VolumeName allocate(Wanted wanted, boolean staysAttached) {
        List<ApiObject> before = use.api().objects();
        Map<String, String> tags = use.ownTags();
        tags.put(Tag.TYPE.word(), IMAGES);
        tags.put(Tag.GUEST.word(), wanted.owner().toString());
        String disk = wanted.disk();
        tags.put(Tag.DISK.word(), disk == null ? Long.toString(use.nextDisk(before, wanted.owner())) : disk);
        if (wanted.snapshot() != null) {
            tags.put(Tag.SNAPSHOT.word(), wanted.snapshot());
        }
        String template = Configuration.template(use.storage());
        GlobalId made = use.make(before, false, tags, () -> use.api().create(template, wanted.bytes(), tags));
        if (staysAttached) {
            attachNew(made);
        }
        return named(made, tags);
    }

    /** Veeam wants a volume to be attached from its beginning. */
    private void attachNew(GlobalId made) {
        try {
            use.api().attach(made, false, true);
        } catch (StorageException e) {
            throw undone(e, made, false);
        }
    }

    /** Removes what must not stay, because the step after it failed. */
    private StorageException undone(StorageException failure, GlobalId made, boolean isSnapshot) {
        try {
            use.api().delete(made, isSnapshot);
            return new StorageException(failure.error(), Outcome.FAILED_CLEAN, failure.getMessage(), failure);
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return new StorageException(
                    failure.error(),
                    Outcome.UNKNOWN,
                    failure.getMessage() + "; StorPool's " + (isSnapshot ? "snapshot " : "volume ") + made.reference()
                            + " is left, remove it",
                    failure);
        }
    }

    private static VolumeName named(GlobalId id, Map<String, String> tags) {
        boolean isSnapshot = NamedByTags.isTrue(tags.get(Tag.BASE.word()));
        ApiObject object = new ApiObject(id.reference(), id.value(), isSnapshot, 0, null, 0, tags);
        return new VolumeName(NamedByTags.of(object).text());
    }

    /** Removes a volume and its snapshots. A missing volume is no error; its snapshots may still be there. */
    void remove(StorpoolName name) {
        use.find(name).ifPresentOrElse(present -> removePresent(present, name), () -> {
            GlobalId id = name.global();
            if (name instanceof StorpoolName.Disk
                    && id != null
                    && use.api().find(id, false).isEmpty()) {
                removeSnapshots(id);
            }
        });
    }

    private void removePresent(Use.Present present, StorpoolName name) {
        try {
            use.api().detach(present.id(), name.isSnapshot(), true);
            use.api().delete(present.id(), name.isSnapshot());
        } catch (StorageException e) {
            if (e.error() != StorageError.NOT_FOUND) {
                throw e;
            }
        }
        if (name instanceof StorpoolName.Disk) {
            removeSnapshots(present.id());
        }
    }

    private void removeSnapshots(GlobalId disk) {
        for (ApiObject snapshot : use.snapshotsOf(disk, null)) {
            GlobalId id = GlobalId.of(snapshot.globalId()).orElseThrow();
            try {
                use.api().delete(id, true);
            } catch (StorageException e) {
                if (e.error() != StorageError.NOT_FOUND) {
                    throw new StorageException(
                            e.error(),
                            Outcome.UNKNOWN,
                            e.getMessage() + "; the volume is removed and snapshots of it are left: free it again",
                            e);
                }
            }
        }
    }

    VolumeName createBase(VolumeName volume) {
        if (StorpoolName.parse(volume) instanceof StorpoolName.TemplateDisk) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "create_base not possible with base image, which " + Quoted.of(volume.value()) + " is");
        }
        Use.Present disk = use.present(volume);
        if (!(disk.name() instanceof StorpoolName.Disk)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "create_base on wrong vtype: " + Quoted.of(volume.value()) + " is no disk of a guest");
        }
        if (!use.snapshotsOf(disk.id(), null).isEmpty()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "create_base not possible with snapshots, which volume " + Quoted.of(volume.value())
                            + " has: they would belong to nothing");
        }
        Map<String, String> tags = new HashMap<>(disk.object().tags());
        tags.put(Tag.BASE.word(), "1");
        List<ApiObject> before = use.api().snapshots();
        GlobalId made = use.make(before, true, tags, () -> use.api().snapshot(disk.id(), tags));
        try {
            use.api().detach(disk.id(), false, true);
        } catch (StorageException e) {
            throw undone(e, made, true);
        }
        try {
            use.api().delete(disk.id(), false);
        } catch (StorageException e) {
            throw e.outcome() == Outcome.UNKNOWN ? e : undone(e, made, true);
        }
        return named(made, tags);
    }

    VolumeName copy(VolumeName volume, Vmid owner, @Nullable SnapshotName snapshot) {
        Use.Present source = use.present(volume);
        boolean isState = source.name() instanceof StorpoolName.State;
        if (source.name() instanceof StorpoolName.Iso || isState) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "clone_image on wrong vtype: " + Quoted.of(volume.value()) + " is no disk");
        }
        ApiObject object = snapshot == null ? source.object() : use.snapshotOf(volume, source.id(), snapshot.value());
        List<ApiObject> before = use.api().objects();
        Map<String, String> tags = new HashMap<>(object.tags());
        // The clone is no snapshot, whatever it is cloned from.
        List.of(Tag.SNAPSHOT, Tag.SNAPSHOT_OF, Tag.COMMENT).forEach(tag -> tags.remove(tag.word()));
        tags.put(Tag.BASE.word(), "0");
        tags.put(Tag.GUEST.word(), owner.toString());
        if (!object.has(Tag.DISK, NamedByTags.CLOUD_INIT)) {
            tags.put(Tag.DISK.word(), Long.toString(use.nextDisk(before, owner)));
        }
        GlobalId from = GlobalId.of(object.globalId()).orElse(source.id());
        GlobalId made = use.make(
                before,
                false,
                tags,
                () -> object.isSnapshot()
                        ? use.api().createFrom(from, tags)
                        : use.api().createOn(from, tags));
        return named(made, tags);
    }

    /** Gives a volume to another guest; it keeps its number, whatever name is wanted. */
    VolumeName rename(VolumeName volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        Use.Present present = use.present(volume);
        boolean isVolume =
                present.name() instanceof StorpoolName.Disk || present.name() instanceof StorpoolName.CloudInit;
        if (!isVolume) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "unable to rename " + Quoted.of(volume.value()) + ": it is no volume of a guest in StorPool");
        }
        Vmid target = owner == null ? ownerOf(volume, name) : owner;
        Map<String, String> tags = new HashMap<>(present.object().tags());
        tags.put(Tag.GUEST.word(), target.toString());
        use.api().tag(present.id(), false, tags);
        return named(present.id(), tags);
    }

    private static Vmid ownerOf(VolumeName volume, @Nullable VolumeName name) {
        Matcher guest = Pattern.compile("vm-([1-9][0-9]{2,8})-.*").matcher(name == null ? "" : name.value());
        if (!guest.matches()) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "unable to rename volume " + Quoted.of(volume.value()) + ": to which guest is not said");
        }
        return new Vmid(Long.parseLong(guest.group(1)));
    }

    void resize(VolumeName volume, ByteSize size, @Nullable SnapshotName snapshot) {
        Use.Present present = use.present(volume);
        if (snapshot != null || present.name().isSnapshot()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "can't resize this image format: " + Quoted.of(volume.value()) + " is a snapshot in StorPool, which"
                            + " never changes");
        }
        long bytes = ByteSize.ofKib(size.kibRoundedUp()).bytes();
        if (bytes < present.object().size()) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "unable to shrink volume " + Quoted.of(volume.value()) + " from "
                            + present.object().size() + " to " + bytes + " bytes");
        }
        use.api().resize(present.id(), bytes);
        use.api().awaitClient();
    }
}

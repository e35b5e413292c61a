package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Certainty;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import java.util.List;
import java.util.Optional;

/** What interrupted work leaves in a volume group: unfinished images, and snapshots whose image is missing. */
final class ChainExamination extends Examination {
    private final LvmPlugin plugin;
    private final List<Interruption> interruptions;

    ChainExamination(LvmPlugin plugin, Storage storage, List<Interruption> interruptions) {
        super(plugin, storage, interruptions);
        this.plugin = plugin;
        this.interruptions = interruptions;
    }

    @Override
    List<Finding> run() {
        if (Configuration.hasChains(storage())) {
            for (Interruption each : interruptions) {
                looked(name(each), each, () -> interrupted(each));
            }
            all().stream().map(LogicalVolume::name).forEach(this::orphaned);
        }
        return super.run();
    }

    /** The volume that an operation was about, by the name it has or was to get. */
    private static String name(Interruption cause) {
        return cause.volume() == null
                ? cause.parameters().getOrDefault("name", "")
                : cause.volume().value();
    }

    private void interrupted(Interruption cause) {
        VolumeName volume = cause.volume();
        SnapshotName snapshot = cause.snapshot();
        if (cause.operation() == Mutation.ALLOC_IMAGE) {
            String name = cause.parameters().get("name");
            if (name != null && isThere(name) && !isWhole(name)) {
                automatic(
                        Kind.UNFINISHED,
                        name,
                        "volume '" + place(name) + "' was being made and is no image yet",
                        "remove it",
                        cause,
                        () -> {
                            if (!isWhole(name)) {
                                plugin.erase(storage(), name);
                            }
                        });
            }
        } else if (cause.operation() == Mutation.SNAPSHOT_VOLUME && volume != null && snapshot != null) {
            String name = Chain.name(volume, snapshot);
            boolean isHalf = isThere(name) && (!isThere(volume.value()) || !isWhole(volume.value()));
            if (isHalf) {
                putBack(volume, name, cause, "snapshot '" + snapshot + "' was being taken");
            }
        } else if (cause.operation() == Mutation.DELETE_SNAPSHOT && volume != null && snapshot != null) {
            deleted(volume, Chain.name(volume, snapshot), cause);
        }
    }

    private void putBack(VolumeName volume, String name, Interruption cause, String what) {
        automatic(
                Kind.IMAGE_MISSING,
                volume.value(),
                "volume '" + place(volume.value()) + "' is called '" + name + "': " + what,
                "give it its name back",
                cause,
                () -> {
                    if (plugin.find(storage(), volume.value()).isPresent() && !isWhole(volume.value())) {
                        plugin.erase(storage(), volume.value());
                    }
                    plugin.rename(storage(), name, volume.value());
                });
    }

    /** The oldest snapshot has taken over its child's data, the child is removed, and its place is still empty. */
    private void deleted(VolumeName volume, String name, Interruption cause) {
        if (!isThere(name)) {
            return;
        }
        if (!isThere(volume.value())) {
            putBack(volume, name, cause, "snapshot '" + cause.snapshot() + "' was being deleted");
            return;
        }
        lost(volume)
                .ifPresent(missing -> automatic(
                        Kind.BACKING_MISSING,
                        missing,
                        "volume '" + place(missing) + "' is called '" + name + "': snapshot '" + cause.snapshot()
                                + "' was being deleted",
                        "give it its name back",
                        cause,
                        () -> plugin.rename(storage(), name, missing)));
    }

    /** The volume on which one of a volume's chain is based, if it is not there. */
    private Optional<String> lost(VolumeName volume) {
        String name = volume.value();
        for (int i = 0; i < all().size(); i++) {
            if (!isThere(name)) {
                return Optional.of(name);
            }
            try {
                plugin.volumes(storage()).activate(volume, name);
                String backing = Chain.header(plugin, storage(), name).backingFile();
                if (backing == null) {
                    return Optional.empty();
                }
                name = backing.substring(backing.lastIndexOf('/') + 1);
            } catch (StorageException e) {
                throwUnlessRead(e);
                return Optional.empty();
            }
        }
        return Optional.empty();
    }

    /** A header that was read and is none says that there is no image; any other failure may pass, and says nothing. */
    private static void throwUnlessRead(StorageException failure) {
        if (failure.error() != StorageError.UNSAFE_IMAGE) {
            throw failure;
        }
    }

    private void orphaned(String name) {
        if (!name.startsWith("snap_vm-") || !name.endsWith(Chain.SUFFIX)) {
            return;
        }
        boolean hasImage = all().stream()
                .map(LogicalVolume::name)
                .filter(this::isImage)
                .anyMatch(
                        image -> image.endsWith(Chain.SUFFIX) && name.startsWith(Chain.prefix(new VolumeName(image))));
        boolean isExplained = interruptions.stream()
                .anyMatch(cause -> cause.volume() != null && name.startsWith(Chain.prefix(cause.volume())));
        if (!hasImage && !isExplained) {
            byHand(
                    Kind.IMAGE_MISSING,
                    name,
                    "snapshot '" + place(name) + "' is of a volume that is not there",
                    Certainty.LIKELY,
                    "if it is the newest of its volume and that was lost while it was taken, rename it to the volume's name"
                            + " with lvrename; else remove it with lvremove",
                    null);
        }
    }

    @Override
    boolean isWhole(String name) {
        if (!name.endsWith(Chain.SUFFIX)) {
            return true;
        }
        try {
            if (!plugin.isActive(storage(), name)) {
                plugin.volumes(storage()).activate(new VolumeName(name), name);
            }
            return Chain.header(plugin, storage(), name).virtualSize() >= 0;
        } catch (StorageException e) {
            throwUnlessRead(e);
            return false;
        }
    }
}

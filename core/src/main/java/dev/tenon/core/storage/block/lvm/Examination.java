package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Certainty;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Finding.Remedy;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What both types look for: volumes that were taken out of the storage, and how long they may stay. */
class Examination {
    private final VolumeGroupPlugin plugin;
    private final Storage storage;
    private final List<Interruption> interruptions;
    private final List<LogicalVolume> all;
    private final List<Finding> findings = new ArrayList<>();

    Examination(VolumeGroupPlugin plugin, Storage storage, List<Interruption> interruptions) {
        this.plugin = plugin;
        this.storage = storage;
        this.interruptions = interruptions;
        all = plugin.all(storage);
    }

    Storage storage() {
        return storage;
    }

    List<LogicalVolume> all() {
        return all;
    }

    boolean isThere(String name) {
        return VolumeGroupPlugin.named(all, name).isPresent();
    }

    String place(String name) {
        return VolumeGroupPlugin.inGroup(storage, name);
    }

    /** Looks. */
    List<Finding> run() {
        for (LogicalVolume volume : all) {
            String name = volume.name();
            if (name.startsWith(Wiping.WAITING)) {
                takenOut(name, name.substring(Wiping.WAITING.length()));
            } else if (name.startsWith(Wiping.FAILED) && name.contains("-" + Wiping.WAITING)) {
                byHand(
                        Kind.UNFINISHED,
                        name,
                        "volume '" + place(name) + "' was removed, and what it held could not be overwritten",
                        Certainty.SURE,
                        "find out why, overwrite it, and remove it with lvremove",
                        null);
            }
        }
        return List.copyOf(findings);
    }

    /** The interrupted operation of this kind on the volume, the last one if there were several. */
    Optional<Interruption> cause(String volume, Mutation operation) {
        return interruptions.stream()
                .filter(each -> each.operation() == operation
                        && each.volume() != null
                        && each.volume().value().equals(volume))
                .reduce((first, second) -> second);
    }

    private void takenOut(String name, String before) {
        Optional<Interruption> rollback = cause(before, Mutation.ROLLBACK);
        boolean isRemovedAtOnce = !Configuration.wipes(storage) || !isThere(before);
        if (rollback.isPresent() && isRemovedAtOnce) {
            looked(before, rollback.get(), () -> rolledBack(name, before, rollback.get()));
            return;
        }
        byHand(
                Kind.UNFINISHED,
                name,
                "volume '" + place(name) + "' was removed, and is still to be overwritten",
                Certainty.LIKELY,
                "if nothing is overwriting it now (PVE's task is called imgdel), overwrite it with blkdiscard --zeroout and"
                        + " remove it with lvremove",
                cause(before, Mutation.FREE_IMAGE).orElse(null));
    }

    /** Looks at what an interrupted operation left of a volume; if that cannot be read, a person has to. */
    void looked(String name, Interruption cause, Runnable look) {
        try {
            look.run();
        } catch (StorageException e) {
            byHand(
                    Kind.IMAGE_UNREADABLE,
                    name,
                    "volume '" + place(name)
                            + "' cannot be read, so what an interrupted operation has left of it is not" + " known: "
                            + e.getMessage(),
                    Certainty.LIKELY,
                    "find out why it cannot be read, and look again",
                    cause);
        }
    }

    private void rolledBack(String name, String before, Interruption cause) {
        if (isThere(before) && isWhole(before)) {
            automatic(
                    Kind.UNFINISHED,
                    name,
                    "volume '" + place(name) + "' is what '" + before + "' was before it was rolled back",
                    "remove it",
                    cause,
                    () -> {
                        if (plugin.find(storage, before).isPresent()) {
                            plugin.erase(storage, name);
                        }
                    });
            return;
        }
        automatic(
                Kind.UNFINISHED,
                name,
                "volume '" + place(before) + "' was being rolled back, and is called '" + name + "'",
                "give it its name back, as it was before",
                cause,
                () -> {
                    if (plugin.find(storage, before).isPresent() && !isWhole(before)) {
                        plugin.erase(storage, before);
                    }
                    plugin.rename(storage, name, before);
                });
    }

    /**
     * Whether a volume that was being made is one.
     *
     * @throws StorageException if that cannot be read, which says nothing about it
     */
    boolean isWhole(String name) {
        return true;
    }

    /** Whether a name is one of this storage's images. */
    boolean isImage(String name) {
        try {
            return plugin.image(new VolumeName(name)).name().equals(name);
        } catch (StorageException e) {
            return false;
        }
    }

    void automatic(Kind kind, String name, String what, String repair, @Nullable Interruption cause, Runnable work) {
        findings.add(new Finding(
                kind,
                place(name),
                what,
                Certainty.SURE,
                new Remedy.Automatic(repair, work),
                cause == null ? null : cause.id()));
    }

    void byHand(Kind kind, String name, String what, Certainty certainty, String advice, @Nullable Interruption cause) {
        findings.add(new Finding(
                kind, place(name), what, certainty, new Remedy.ByHand(advice), cause == null ? null : cause.id()));
    }
}

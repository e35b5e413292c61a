package dev.tenon.core.storage.block.zfs;

import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Certainty;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Finding.Remedy;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.ParsedVolume;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Looks for what interrupted work leaves in a pool. What ZFS does by one command it does wholly or not at all. */
final class Examination {
    /** What the journal calls the snapshot that both ends have. */
    private static final String BASE = "base";

    private final Datasets datasets;
    private final List<Interruption> interruptions;
    private final List<Finding> findings = new ArrayList<>();

    Examination(Datasets datasets, List<Interruption> interruptions) {
        this.datasets = datasets;
        this.interruptions = interruptions;
    }

    List<Finding> run() {
        String place = datasets.place("");
        for (Dataset dataset : datasets.all()) {
            String name = dataset.nameIn(place.substring(0, place.length() - 1));
            if (name != null && name.startsWith(Datasets.STAGED)) {
                staged(name);
            } else if (name != null) {
                ZfsNames.find(name)
                        .filter(image -> image.format() == dataset.format())
                        .ifPresent(this::look);
            }
        }
        return List.copyOf(findings);
    }

    private Optional<Interruption> cause(String name, Mutation operation) {
        return interruptions.stream()
                .filter(each -> each.operation() == operation && name.equals(nameOf(each)))
                .reduce((first, second) -> second);
    }

    private static @Nullable String nameOf(Interruption interruption) {
        String name = interruption.volume() == null
                ? interruption.parameters().get("name")
                : interruption.volume().value();
        return name == null ? null : name.substring(name.lastIndexOf('/') + 1);
    }

    private void look(ParsedVolume.GuestImage image) {
        String name = image.name();
        if (image.isBase()) {
            base(image);
        }
        cause(name, Mutation.ROLLBACK)
                .filter(_ -> image.format() == Format.Image.SUBVOL)
                .ifPresent(rollback -> byHand(
                        Kind.UNFINISHED,
                        name,
                        "file system '" + datasets.place(name) + "' was being rolled back to '" + rollback.snapshot()
                                + "', and may have the quota that it had before",
                        "roll it back again, unless that was done and a guest has written to it since",
                        rollback));
        cause(name, Mutation.IMPORT_VOLUME).ifPresent(update -> broughtForward(name, update));
        cause(name, Mutation.FREE_IMAGE)
                .ifPresent(removal -> byHand(
                        Kind.UNFINISHED,
                        name,
                        "volume '" + datasets.place(name)
                                + "' was being removed and is still there; its snapshots may be gone",
                        "remove it again, or look at what it holds",
                        removal));
    }

    /** ZFS gives up what has not arrived wholly, but has rolled back before to what the stream is based on. */
    private void broughtForward(String name, Interruption update) {
        String base = update.parameters().get(BASE);
        if (base != null) {
            byHand(
                    Kind.UNFINISHED,
                    name,
                    "volume '" + datasets.place(name) + "' was being brought forward from its snapshot '" + base
                            + "' by an import: what has not arrived is missing, and what was changed here since that"
                            + " snapshot may be gone",
                    "import it again, from the latest snapshot that both ends have",
                    update);
        }
    }

    private void base(ParsedVolume.GuestImage image) {
        String name = image.name();
        if (hasBase(name)) {
            return;
        }
        automatic(
                Kind.BASE_WRITABLE,
                name,
                "base image '" + datasets.place(name) + "' has no snapshot '" + ZfsNames.BASE_SNAPSHOT
                        + "', of which clones are made",
                "make it",
                cause(name.replaceFirst("^base-", "vm-").replaceFirst("^basevol-", "subvol-"), Mutation.CREATE_BASE)
                        .or(() -> cause(name, Mutation.FREE_IMAGE))
                        .orElse(null),
                () -> {
                    if (datasets.exists(name) && !hasBase(name)) {
                        datasets.snapshot(image, ZfsNames.BASE_SNAPSHOT);
                    }
                });
    }

    private boolean hasBase(String name) {
        return datasets.snapshots(name).stream()
                .anyMatch(snapshot -> snapshot.name().equals(ZfsNames.BASE_SNAPSHOT));
    }

    private void staged(String name) {
        String what = "dataset '" + datasets.place(name) + "' was being imported and is not complete";
        Optional<Interruption> cause = interruptions.stream()
                .filter(each -> each.operation() == Mutation.IMPORT_VOLUME
                        && Datasets.wantedName(name).equals(nameOf(each)))
                .findFirst();
        if (cause.isPresent()) {
            automatic(Kind.UNFINISHED, name, what, "remove it", cause.get(), () -> datasets.erase(name));
        } else {
            byHand(
                    Kind.UNFINISHED,
                    name,
                    what,
                    "if it is not being imported just now, remove it with zfs destroy -r",
                    null);
        }
    }

    private void automatic(
            Kind kind, String name, String what, String repair, @Nullable Interruption cause, Runnable work) {
        findings.add(new Finding(
                kind,
                datasets.place(name),
                what,
                Certainty.SURE,
                new Remedy.Automatic(repair, work),
                cause == null ? null : cause.id()));
    }

    private void byHand(Kind kind, String name, String what, String advice, @Nullable Interruption cause) {
        findings.add(new Finding(
                kind,
                datasets.place(name),
                what,
                Certainty.LIKELY,
                new Remedy.ByHand(advice),
                cause == null ? null : cause.id()));
    }
}

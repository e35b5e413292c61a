package dev.tenon.core.storage.directory;

import dev.tenon.core.linux.FileMove;
import dev.tenon.core.spi.Finding.Certainty;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Finds snapshots that are files and on which nothing is based, and images whose snapshots are all that is left. */
final class SnapshotExaminer {
    private final List<Found> found;
    private final Causes causes;
    private final Findings findings;
    private final Map<Path, Found> byFile = new HashMap<>();
    private final Set<Path> used = new HashSet<>();

    SnapshotExaminer(List<Found> found, Causes causes, Findings findings) {
        this.found = found;
        this.causes = causes;
        this.findings = findings;
        for (Found image : found) {
            byFile.put(image.file(), image);
            if (image.backing() != null) {
                used.add(image.backing());
            }
        }
    }

    void examine() {
        Map<Path, List<Found>> withoutImage = new HashMap<>();
        for (Found snapshot : found) {
            if (!snapshot.isSnapshot() || used.contains(snapshot.file())) {
                continue;
            }
            List<Path> images = imagesOf(snapshot);
            if (images.size() == 1) {
                examineLeft(snapshot, images.getFirst());
            } else if (images.isEmpty()) {
                Optional<Path> missing = missingImageOf(snapshot);
                if (missing.isPresent()) {
                    withoutImage
                            .computeIfAbsent(missing.get(), _ -> new ArrayList<>())
                            .add(snapshot);
                } else {
                    left(snapshot, "it is not known which image it belongs to");
                }
            } else {
                left(snapshot, "it may be of any of " + images);
            }
        }
        withoutImage.forEach(this::examineMissing);
    }

    private List<Path> imagesOf(Found snapshot) {
        return found.stream()
                .filter(image -> !image.isSnapshot())
                .map(Found::file)
                .filter(image -> Causes.isOf(snapshot.file(), image, null))
                .toList();
    }

    private Optional<Path> missingImageOf(Found snapshot) {
        for (Mutation operation :
                List.of(Mutation.FREE_IMAGE, Mutation.SNAPSHOT_VOLUME, Mutation.ROLLBACK, Mutation.DELETE_SNAPSHOT)) {
            Optional<Path> image =
                    causes.ofSnapshot(operation, snapshot.file(), false).flatMap(causes::image);
            if (image.isPresent()) {
                return image;
            }
        }
        return SnapshotChain.usualImageOf(snapshot.name()).map(snapshot.file()::resolveSibling);
    }

    private void left(Found snapshot, String why) {
        findings.byHand(
                Kind.SNAPSHOT_LEFT,
                snapshot.file(),
                "nothing is based on snapshot '" + snapshot.file() + "', and " + why,
                Certainty.SURE,
                "remove the file if its content is not needed",
                null);
    }

    private void examineLeft(Found snapshot, Path image) {
        Path file = snapshot.file();
        if (FileIdentity.isSame(file, image)) {
            findings.automatic(
                    Kind.SECOND_NAME,
                    file,
                    "snapshot '" + file + "' is the image '" + image.getFileName()
                            + "' itself: it was being taken and is not",
                    "remove this name of it; the image stays",
                    causes.ofSnapshot(Mutation.SNAPSHOT_VOLUME, file, true).orElse(null),
                    () -> SecondNameExaminer.removeSecondName(file, image));
            return;
        }
        Optional<Interruption> deletion = causes.ofSnapshot(Mutation.DELETE_SNAPSHOT, file, true)
                .filter(cause -> Witness.isSame(file, cause) && Witness.isSame(image, cause));
        if (deletion.isEmpty()) {
            left(snapshot, "the image '" + image.getFileName() + "' does not need it");
            return;
        }
        findings.automatic(
                Kind.SNAPSHOT_LEFT,
                file,
                "nothing is based on snapshot '" + file + "' any more: it was being deleted",
                "remove the file",
                deletion.get(),
                () -> {
                    if (Witness.isSame(file, deletion.get())) {
                        Files.delete(file);
                    }
                });
    }

    private void examineMissing(Path image, List<Found> newest) {
        Optional<Interruption> removal = causes.of(Set.of(Mutation.FREE_IMAGE), List.of(image));
        if (removal.isPresent()
                && newest.stream().allMatch(snapshot -> Witness.isSame(snapshot.file(), removal.get()))) {
            for (Path file : doomed(image, removal.get())) {
                findings.automatic(
                        Kind.SNAPSHOT_LEFT,
                        file,
                        "snapshot '" + file + "' is of the image '" + image.getFileName()
                                + "', which was being removed",
                        "remove the file",
                        removal.get(),
                        () -> {
                            if (Witness.isSame(file, removal.get())) {
                                Files.delete(file);
                            }
                        });
            }
            return;
        }
        Path snapshot = newest.getFirst().file();
        String what = "image '" + image + "' is missing, and its snapshots are there";
        if (newest.size() > 1 || !isWhole(newest.getFirst(), image)) {
            findings.byHand(
                    Kind.IMAGE_MISSING,
                    image,
                    what + ", but not whole",
                    Certainty.SURE,
                    "restore the image from a backup; what is in '" + snapshot + "' can be read with qemu-img",
                    null);
            return;
        }
        OptionalLong holder = FileHolders.holderOf(snapshot);
        if (holder.isPresent()) {
            findings.inUse(snapshot, what, holder.getAsLong(), null);
            return;
        }
        Optional<Interruption> taking = causes.ofSnapshot(Mutation.SNAPSHOT_VOLUME, snapshot, true)
                .filter(cause -> Witness.isSame(snapshot, String.valueOf(image.getFileName()), cause));
        if (taking.isPresent()) {
            findings.automatic(
                    Kind.IMAGE_MISSING,
                    image,
                    what + ": '" + snapshot.getFileName() + "' was being taken",
                    "give '" + snapshot.getFileName() + "' the name of the image back",
                    taking.get(),
                    () -> putBack(snapshot, image));
        } else {
            findings.byHand(
                    Kind.IMAGE_MISSING,
                    image,
                    what + ": a snapshot was being taken, or the image was being taken back to '"
                            + snapshot.getFileName() + "'",
                    Certainty.LIKELY,
                    "if the guest does not run: cd '" + image.getParent()
                            + "' && qemu-img create -f qcow2 -F qcow2 -b '"
                            + snapshot.getFileName()
                            + "' -o extended_l2=on,cluster_size=128k '" + image.getFileName() + "'",
                    null);
        }
    }

    /** All snapshots that the image had when its removal began, unless something else is based on one. */
    private List<Path> doomed(Path image, Interruption removal) {
        Set<Path> own = new HashSet<>();
        for (Found snapshot : found) {
            if (snapshot.isSnapshot()
                    && Causes.isOf(snapshot.file(), image, null)
                    && Witness.isSame(snapshot.file(), removal)) {
                own.add(snapshot.file());
            }
        }
        boolean isUsedElsewhere = found.stream()
                .anyMatch(other ->
                        other.backing() != null && own.contains(other.backing()) && !own.contains(other.file()));
        return isUsedElsewhere ? List.of() : own.stream().sorted().toList();
    }

    private boolean isWhole(Found newest, Path image) {
        Found current = newest;
        for (int depth = 0; depth <= found.size(); depth++) {
            Path backing = current.backing();
            if (backing == null || !Causes.isOf(backing, image, null)) {
                return backing == null || Files.exists(backing);
            }
            Found next = byFile.get(backing);
            if (next == null) {
                return false;
            }
            current = next;
        }
        return false;
    }

    private static void putBack(Path snapshot, Path image) throws IOException {
        if (!Files.exists(image, LinkOption.NOFOLLOW_LINKS)) {
            FileMove.withoutReplacing(snapshot, image);
        }
    }
}

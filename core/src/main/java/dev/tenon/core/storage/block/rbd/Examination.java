package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Certainty;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Finding.Remedy;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Looks for what interrupted work leaves in a pool. */
final class Examination {
    private final Images images;
    private final List<Interruption> interruptions;
    private final Map<String, Image> opened = new TreeMap<>();
    private final List<Finding> findings = new ArrayList<>();

    Examination(Images images, List<Interruption> interruptions) {
        this.images = images;
        this.interruptions = interruptions;
    }

    List<Finding> run() {
        List<String> names = images.rbd().names();
        images.rbd().images().forEach(image -> opened.put(image.name(), image));
        for (String name : names) {
            Image image = opened.get(name);
            if (name.startsWith(Images.STAGED)) {
                staged(name);
            } else if (RbdNames.find(name).isPresent()) {
                if (image == null) {
                    unreadable(name);
                } else {
                    look(image);
                }
            }
        }
        return List.copyOf(findings);
    }

    private Optional<Interruption> cause(String image, Mutation operation) {
        return interruptions.stream()
                .filter(each -> each.operation() == operation && image.equals(imageOf(each)))
                .reduce((first, second) -> second);
    }

    private static @Nullable String imageOf(Interruption interruption) {
        String name = interruption.volume() == null
                ? interruption.parameters().get("name")
                : interruption.volume().value();
        return name == null ? null : name.substring(name.lastIndexOf('/') + 1);
    }

    private void look(Image image) {
        String name = image.name();
        if (name.startsWith("base-")) {
            base(image);
        }
        cause(name, Mutation.ROLLBACK).ifPresent(rollback -> rolledBack(image, rollback));
        cause(name, Mutation.FREE_IMAGE)
                .ifPresent(removal -> byHand(
                        Kind.UNFINISHED,
                        name,
                        "image '" + images.place(name)
                                + "' was being removed and is still there; its snapshots, or all it"
                                + " held, may be gone",
                        Certainty.LIKELY,
                        "remove it again, or look at what it holds",
                        removal));
    }

    private void base(Image image) {
        String name = image.name();
        if (image.snapshot(RbdNames.BASE_SNAPSHOT)
                .filter(Image.Snapshot::isProtected)
                .isPresent()) {
            return;
        }
        automatic(
                Kind.BASE_WRITABLE,
                name,
                "base image '" + images.place(name) + "' has no protected snapshot '" + RbdNames.BASE_SNAPSHOT
                        + "', of which clones are made",
                "make and protect it",
                cause(name.replaceFirst("^base-", "vm-"), Mutation.CREATE_BASE)
                        .or(() -> cause(name, Mutation.FREE_IMAGE))
                        .orElse(null),
                () -> {
                    if (images.exists(name)) {
                        images.protectBase(name);
                    }
                });
    }

    /** It may have been rolled back again since, and written to: only a person can know. */
    private void rolledBack(Image image, Interruption rollback) {
        String name = image.name();
        String snapshot = rollback.snapshot() == null ? "" : rollback.snapshot().value();
        byHand(
                Kind.UNFINISHED,
                name,
                "image '" + images.place(name) + "' was being rolled back to '" + snapshot
                        + "', and may be partly as it was before",
                Certainty.LIKELY,
                "roll it back again, unless that was done and a guest has written to it since",
                rollback);
    }

    private void staged(String name) {
        Optional<StorageException> obstacle = obstacle(name);
        String what = "image '" + images.place(name) + "' was being imported and is not complete";
        Optional<Interruption> cause = interruptions.stream()
                .filter(each -> each.operation() == Mutation.IMPORT_VOLUME
                        && imageOf(each) != null
                        && name.endsWith("-" + imageOf(each)))
                .findFirst();
        if (cause.isPresent() && obstacle.isEmpty()) {
            automatic(Kind.UNFINISHED, name, what, "remove it", cause.get(), () -> {
                obstacle(name).ifPresent(e -> {
                    throw e;
                });
                images.erase(name);
            });
        } else {
            byHand(
                    obstacle.filter(e -> e.error() == StorageError.IN_USE).isPresent() ? Kind.IN_USE : Kind.UNFINISHED,
                    name,
                    what,
                    Certainty.LIKELY,
                    "if it is not being imported just now, remove it with rbd rm",
                    cause.orElse(null));
        }
    }

    /** Why an image cannot be removed now: somebody has it open, or it is not known whether. */
    private Optional<StorageException> obstacle(String name) {
        try {
            List<String> watchers = images.rbd().watchers(name);
            return watchers.isEmpty()
                    ? Optional.empty()
                    : Optional.of(StorageException.refused(
                            StorageError.IN_USE,
                            "image '" + images.place(name) + "' is open at " + String.join(", ", watchers)));
        } catch (StorageException e) {
            // It has no header yet, or none any more.
            return Optional.of(e).filter(failure -> failure.error() != StorageError.NOT_FOUND);
        }
    }

    /** Why an image cannot be opened, empty if it can. */
    private Optional<StorageException> refusal(String name) {
        try {
            images.rbd().info(name);
            return Optional.empty();
        } catch (StorageException e) {
            return Optional.of(e);
        }
    }

    /** Another failure may pass, and says nothing about what the image holds. */
    private static boolean hasNoHeader(Optional<StorageException> refusal) {
        return refusal.filter(e -> e.error() == StorageError.NOT_FOUND).isPresent();
    }

    /** It could not be opened when all were: it is in the pool's directory, and that is all, or nearly. */
    private void unreadable(String name) {
        Optional<StorageException> refusal = refusal(name);
        if (refusal.isEmpty() || !images.exists(name)) {
            return;
        }
        String what = "image '" + images.place(name) + "' cannot be opened";
        Optional<Interruption> cause = cause(name, Mutation.FREE_IMAGE).or(() -> cause(name, Mutation.ALLOC_IMAGE));
        if (cause.isPresent() && hasNoHeader(refusal)) {
            automatic(Kind.UNFINISHED, name, what + ": it was being made or removed", "remove it", cause.get(), () -> {
                if (!hasNoHeader(refusal(name))) {
                    throw StorageException.refused(
                            StorageError.IN_USE,
                            "image '" + images.place(name) + "' is there again, or the cluster does not tell");
                }
                images.erase(name);
            });
        } else {
            byHand(
                    Kind.IMAGE_UNREADABLE,
                    name,
                    what,
                    Certainty.LIKELY,
                    "if 'rbd info' cannot open it either, remove it with rbd rm",
                    cause.orElse(null));
        }
    }

    private void automatic(
            Kind kind, String name, String what, String repair, @Nullable Interruption cause, Runnable work) {
        findings.add(new Finding(
                kind,
                images.place(name),
                what,
                Certainty.SURE,
                new Remedy.Automatic(repair, work),
                cause == null ? null : cause.id()));
    }

    private void byHand(
            Kind kind, String name, String what, Certainty certainty, String advice, @Nullable Interruption cause) {
        findings.add(new Finding(
                kind,
                images.place(name),
                what,
                certainty,
                new Remedy.ByHand(advice),
                cause == null ? null : cause.id()));
    }
}

package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The interruptions, by the images they were about. */
final class Causes {
    private final List<Interruption> interruptions;
    private final Map<String, Path> images = new HashMap<>();

    Causes(Locations at, List<Interruption> interruptions) {
        this.interruptions = interruptions;
        for (Interruption interruption : interruptions) {
            VolumeName volume = interruption.volume();
            if (volume != null) {
                try {
                    images.put(interruption.id(), at.file(volume, null).normalize());
                } catch (StorageException e) {
                    // it was refused for the same reason
                }
            }
        }
    }

    Optional<Path> image(Interruption interruption) {
        return Optional.ofNullable(images.get(interruption.id()));
    }

    Optional<Interruption> of(Set<Mutation> operations) {
        return interruptions.stream()
                .filter(interruption -> operations.contains(interruption.operation()))
                .findFirst();
    }

    Optional<Interruption> of(Set<Mutation> operations, List<Path> of) {
        return interruptions.stream()
                .filter(interruption -> operations.contains(interruption.operation()))
                .filter(interruption -> image(interruption).filter(of::contains).isPresent())
                .findFirst();
    }

    /** One of this operation whose image this file is a snapshot of. */
    Optional<Interruption> ofSnapshot(Mutation operation, Path file, boolean needsSameName) {
        return interruptions.stream()
                .filter(interruption -> operation == interruption.operation())
                .filter(interruption -> image(interruption)
                        .filter(image -> isOf(file, image, needsSameName ? interruption.snapshot() : null))
                        .isPresent())
                .filter(interruption -> !needsSameName || interruption.snapshot() != null)
                .findFirst();
    }

    static boolean isOf(Path file, Path image, @Nullable SnapshotName snapshot) {
        String name = String.valueOf(file.getFileName());
        return image.resolveSibling(name).equals(file)
                && (snapshot == null
                        ? SnapshotChain.isSnapshotOf(name, image)
                        : name.equals(SnapshotChain.fileName(String.valueOf(image.getFileName()), snapshot)));
    }
}

package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.Finding.Certainty;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Finds images that have two names: where a file system cannot rename without replacing, a file has both for a moment. */
record SecondNameExaminer(Causes causes, Findings findings) {
    void examine(List<Found> found) {
        Map<FileIdentity, List<Path>> names = new HashMap<>();
        for (Found image : found) {
            if (!image.isSnapshot()) {
                FileIdentity.of(image.file())
                        .ifPresent(identity -> names.computeIfAbsent(identity, _ -> new ArrayList<>())
                                .add(image.file()));
            }
        }
        for (List<Path> same : names.values()) {
            if (same.size() < 2) {
                continue;
            }
            Path first = same.getFirst();
            String what = "images "
                    + same.stream().map(path -> "'" + path + "'").toList() + " are one file under several names";
            Optional<Interruption> cause = causes.of(Set.of(Mutation.RENAME_VOLUME, Mutation.CREATE_BASE), same);
            if (cause.isPresent() && same.size() == 2) {
                Path old = causes.image(cause.get()).orElse(first);
                Path other = same.get(same.get(0).equals(old) ? 1 : 0);
                findings.automatic(
                        Kind.SECOND_NAME,
                        old,
                        what + ", because its renaming was interrupted",
                        "remove the old name '" + old + "'",
                        cause.get(),
                        () -> removeSecondName(old, other));
            } else {
                findings.byHand(
                        Kind.SECOND_NAME,
                        first,
                        what + ", and what is written to one changes the other",
                        Certainty.SURE,
                        "remove the name that no guest uses",
                        null);
            }
        }
    }

    static void removeSecondName(Path name, Path other) throws IOException {
        if (FileIdentity.isSame(name, other)) {
            Files.delete(name);
        }
    }
}

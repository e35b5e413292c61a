package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.Interruption;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Tells whether a file is the one that was there before an operation. */
final class Witness {
    private Witness() {}

    /**
     * The files of an image before an operation changes them.
     *
     * @return the identity of each by its name
     */
    static Map<String, String> of(Path image) {
        Map<String, String> witness = new HashMap<>();
        String name = String.valueOf(image.getFileName());
        FileIdentity.of(image).ifPresent(identity -> witness.put(name, identity.text()));
        if (name.endsWith(".qcow2")) {
            try {
                Path directory = image.resolveSibling(".").normalize();
                for (String other : DirectoryNames.in(directory)) {
                    if (SnapshotChain.isSnapshotOf(other, image)) {
                        FileIdentity.of(directory.resolve(other))
                                .ifPresent(identity -> witness.put(other, identity.text()));
                    }
                }
            } catch (IOException e) {
                return witness;
            }
        }
        return witness;
    }

    /** Whether the file is the one that was there when the operation began. */
    static boolean isSame(Path file, Interruption interruption) {
        return isSame(file, String.valueOf(file.getFileName()), interruption);
    }

    /** Whether the file is the one that had this name when the operation began. */
    static boolean isSame(Path file, String name, Interruption interruption) {
        String before = interruption.witness().get(name);
        return before != null
                && FileIdentity.of(file)
                        .filter(identity -> identity.text().equals(before))
                        .isPresent();
    }
}

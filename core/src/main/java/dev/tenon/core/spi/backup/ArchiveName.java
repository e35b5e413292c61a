package dev.tenon.core.spi.backup;

import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import java.util.regex.Pattern;

/**
 * The name of an archive inside its storage: letters, digits and {@code . + = _ : / -}, as PVE demands; the volume that it
 * becomes must be a {@link VolumeName}. Other text is refused with {@code INVALID_NAME}.
 */
public record ArchiveName(String value) {
    private static final Pattern GRAMMAR = Pattern.compile("[a-zA-Z0-9.+=_:/-]+");
    private static final String CONTENT = "backup/";

    public ArchiveName {
        if (!GRAMMAR.matcher(value).matches()) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "the archive name " + Quoted.of(value)
                            + " is not made of letters, digits and the characters . + = _ : / -");
        }
        var _ = new VolumeName(CONTENT + value);
    }

    /** The archive as a volume of its storage: {@code backup/} and its name. */
    public VolumeName volume() {
        return new VolumeName(CONTENT + value);
    }

    /**
     * The archive that a volume is.
     *
     * @throws StorageException {@code INVALID_NAME} if it is none
     */
    public static ArchiveName of(VolumeName volume) {
        if (!volume.value().startsWith(CONTENT)) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "the volume " + Quoted.of(volume.value()) + " is no backup: its name does not begin with backup/");
        }
        return new ArchiveName(volume.value().substring(CONTENT.length()));
    }

    @Override
    public String toString() {
        return value;
    }
}

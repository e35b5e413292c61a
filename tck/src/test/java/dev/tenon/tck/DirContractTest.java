package dev.tenon.tck;

import dev.tenon.core.spi.Format.Image;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;

/** The storage type {@code dir} with snapshots inside its images. */
class DirContractTest extends StoragePluginContract {
    private static final Set<Image> FILES = EnumSet.of(Image.RAW, Image.QCOW2, Image.VMDK);
    private static final Abilities ABILITIES = new Abilities(
            EnumSet.allOf(Image.class),
            Set.of(Image.QCOW2),
            EnumSet.allOf(Image.class),
            FILES,
            EnumSet.allOf(Image.class),
            Set.of(Image.RAW, Image.QCOW2),
            false,
            true,
            true);

    @TempDir
    Path scratch;

    Abilities abilities() {
        return ABILITIES;
    }

    @Override
    public Subject subject() {
        return Directories.subject(scratch, Map.of(), ABILITIES);
    }
}

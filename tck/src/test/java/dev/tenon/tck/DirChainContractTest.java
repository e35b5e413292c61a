package dev.tenon.tck;

import dev.tenon.core.spi.Format.Image;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;

/** The storage type {@code dir} with snapshots as a chain of files. */
class DirChainContractTest extends StoragePluginContract {
    private static final Set<Image> FILES = EnumSet.of(Image.RAW, Image.QCOW2, Image.VMDK);
    private static final Abilities ABILITIES = new Abilities(
            EnumSet.allOf(Image.class),
            Set.of(Image.QCOW2),
            EnumSet.allOf(Image.class),
            FILES,
            EnumSet.allOf(Image.class),
            Set.of(Image.RAW, Image.QCOW2),
            true,
            true,
            true);

    @TempDir
    Path scratch;

    @Override
    public Subject subject() {
        return Directories.subject(scratch, Map.of("snapshot-as-volume-chain", "1"), ABILITIES);
    }
}

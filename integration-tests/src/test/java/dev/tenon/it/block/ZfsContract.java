package dev.tenon.it.block;

import dev.tenon.core.spi.Format.Image;
import dev.tenon.tck.Abilities;
import dev.tenon.tck.StoragePluginContract;
import dev.tenon.tck.Subject;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** The contract of volumes and file systems of ZFS, which holds in the guest. */
@TestInstance(Lifecycle.PER_CLASS)
class ZfsContract extends StoragePluginContract {
    private static final Set<Image> ALL = Set.of(Image.RAW, Image.SUBVOL);

    private final Subject subject;

    ZfsContract() {
        ZfsLab.prepare(ZfsLab.POOL, "4G");
        subject = Subject.ofFiles(
                ZfsLab.plugin(),
                ZfsLab.storage(ZfsLab.POOL, Map.of("sparse", "1")),
                ZfsLab.storage("nosuch", Map.of()),
                Lab.directory(),
                new Abilities(ALL, ALL, ALL, ALL, ALL, ALL, false, false, true));
    }

    @Override
    public Subject subject() {
        return subject;
    }
}

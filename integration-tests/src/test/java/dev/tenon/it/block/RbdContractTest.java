package dev.tenon.it.block;

import dev.tenon.core.spi.Format.Image;
import dev.tenon.it.support.Scratch;
import dev.tenon.tck.Abilities;
import dev.tenon.tck.StoragePluginContract;
import dev.tenon.tck.Subject;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** The contract holds for images of a Ceph cluster. */
@TestInstance(Lifecycle.PER_CLASS)
@EnabledIfSystemProperty(
        named = "tenon.full",
        matches = "true",
        disabledReason = "this takes long, and runs in bin/verify full")
class RbdContractTest extends StoragePluginContract {
    private static final Set<Image> RAW = Set.of(Image.RAW);
    private static final Abilities ABILITIES = new Abilities(RAW, RAW, RAW, RAW, RAW, RAW, false, false, true);

    private final Subject subject;

    RbdContractTest(Scratch scratch) throws IOException {
        RbdLab lab = RbdLab.start(scratch);
        subject = new Subject(
                lab.plugin(),
                lab.storage(Map.of()),
                lab.storage(Map.of("pool", "nowhere")),
                Files.createDirectory(scratch.file("outside")),
                ABILITIES,
                lab.content("rbd"));
    }

    @Override
    public Subject subject() {
        return subject;
    }
}

package dev.tenon.it;

import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageId;
import dev.tenon.it.support.MemoryPlugin;
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

/** The contract holds for a storage that has no files and no directories. */
@TestInstance(Lifecycle.PER_CLASS)
class MemoryContractTest extends StoragePluginContract {
    private static final Abilities ABILITIES = new Abilities(
            Set.of(Image.RAW), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(Image.RAW), false, false, true);

    private final Subject subject;

    MemoryContractTest(Scratch scratch) throws IOException {
        subject = Subject.ofFiles(
                new MemoryPlugin("here"),
                storage("here"),
                storage("elsewhere"),
                Files.createDirectory(scratch.file("outside")),
                ABILITIES);
    }

    private static Storage storage(String room) {
        return new Storage(
                new StorageId("mem"), new StorageConfig("memory", Map.of("room", room, "content", "images")));
    }

    @Override
    public Subject subject() {
        return subject;
    }
}

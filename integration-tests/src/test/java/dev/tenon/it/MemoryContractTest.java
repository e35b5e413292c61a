package dev.tenon.it;

import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.MemoryPlugin;
import dev.tenon.it.support.Scratch;
import dev.tenon.tck.Abilities;
import dev.tenon.tck.Content;
import dev.tenon.tck.StoragePluginContract;
import dev.tenon.tck.Subject;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
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
        MemoryPlugin plugin = new MemoryPlugin("here");
        Subject mapped = Subject.ofFiles(
                plugin,
                storage("here"),
                storage("elsewhere"),
                Files.createDirectory(scratch.file("outside")),
                ABILITIES);
        subject = new Subject(
                plugin, mapped.storage(), mapped.unreachable(), mapped.outside(), ABILITIES, inMemory(mapped));
    }

    /** A volume has no path, so that only the plugin knows whether it is there; once mapped it is opened as others are. */
    private static Content inMemory(Subject mapped) {
        return new Content() {
            @Override
            public boolean isPresent(VolumeName volume) {
                VolumeId volid = new VolumeId(mapped.storage().id(), volume);
                return !mapped.plugin()
                        .listImages(mapped.storage(), new ImageFilter.Named(List.of(volid)), OperationCache.create())
                        .isEmpty();
            }

            @Override
            public Opened open(VolumeName volume) {
                return mapped.open(volume);
            }
        };
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

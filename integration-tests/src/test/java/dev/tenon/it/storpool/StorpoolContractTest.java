package dev.tenon.it.storpool;

import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorpoolLab;
import dev.tenon.tck.Abilities;
import dev.tenon.tck.Abilities.Habit;
import dev.tenon.tck.Content;
import dev.tenon.tck.StoragePluginContract;
import dev.tenon.tck.Subject;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Set;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** The contract holds for volumes of StorPool. */
@TestInstance(Lifecycle.PER_CLASS)
class StorpoolContractTest extends StoragePluginContract {
    private static final Set<Image> RAW = Set.of(Image.RAW);
    private static final Abilities ABILITIES = new Abilities(RAW, RAW, RAW, RAW, RAW, RAW, true, false, true)
            .having(Habit.NAMES_BY_ITSELF, Habit.CLONES_ANYTHING, Habit.HIDES_BASES, Habit.LISTS_SNAPSHOTS);

    private final Subject subject;

    StorpoolContractTest(Scratch scratch) throws IOException {
        StorpoolLab lab = StorpoolLab.start(scratch, "lab");
        StoragePlugin plugin = lab.java(StorpoolLab.FIRST);
        Subject mapped = Subject.ofFiles(
                plugin,
                StorpoolLab.storage(),
                StorpoolLab.storage("template", "nowhere"),
                Files.createDirectory(scratch.file("outside")),
                ABILITIES);
        subject = new Subject(
                plugin,
                mapped.storage(),
                mapped.unreachable(),
                mapped.outside(),
                ABILITIES,
                onCluster(lab.emulator().cluster(), mapped.content()));
    }

    /** There is a device only while a volume is attached, so it is the cluster that is looked at. */
    private static Content onCluster(Cluster cluster, Content devices) {
        return new Content() {
            @Override
            public boolean isPresent(VolumeName volume) {
                return cluster.objects().stream()
                        .anyMatch(object -> volume.value().contains("-sp-" + object.globalId() + "."));
            }

            @Override
            public Opened open(VolumeName volume) {
                return devices.open(volume);
            }
        };
    }

    @Override
    public Subject subject() {
        return subject;
    }
}

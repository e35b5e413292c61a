package dev.tenon.it.block;

import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.block.lvm.LvmPlugin;
import dev.tenon.core.storage.block.lvm.LvmThinPlugin;
import dev.tenon.tck.Abilities;
import dev.tenon.tck.Abilities.Habit;
import dev.tenon.tck.Content;
import dev.tenon.tck.StoragePluginContract;
import dev.tenon.tck.Subject;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** The contract of volumes of LVM, which holds in the guest. */
abstract class LvmContract extends StoragePluginContract {
    private static final Set<Image> RAW = Set.of(Image.RAW);
    private static final Set<Image> QCOW2 = Set.of(Image.QCOW2);
    private static final Set<Image> NONE = Set.of();
    private static final Path OUTSIDE = Lab.directory();

    private final Subject subject;

    LvmContract(StoragePlugin plugin, Storage storage, Storage unreachable, Abilities abilities) {
        Lab.prepare(Lab.GROUP, "/dev/ubda");
        Subject mapped = Subject.ofFiles(plugin, storage, unreachable, OUTSIDE, abilities);
        subject = new Subject(plugin, storage, unreachable, OUTSIDE, abilities, present(storage, mapped.content()));
    }

    /** There is a device only while a volume is active. */
    private static Content present(Storage storage, Content devices) {
        return new Content() {
            @Override
            public boolean isPresent(VolumeName volume) {
                return Lab.run(
                                "lvs",
                                "--noheadings",
                                "-o",
                                "lv_name",
                                storage.config().text("vgname").orElseThrow())
                        .lines()
                        .anyMatch(line -> line.strip().equals(volume.value()));
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

    @TestInstance(Lifecycle.PER_CLASS)
    static class Thick extends LvmContract {
        Thick() {
            super(
                    new LvmPlugin(Lab.HOST),
                    Lab.thick(Lab.GROUP, Map.of()),
                    Lab.thick("nosuch", Map.of()),
                    new Abilities(RAW, NONE, NONE, NONE, RAW, RAW, false, false, true));
        }
    }

    @TestInstance(Lifecycle.PER_CLASS)
    static class Chains extends LvmContract {
        private static final Map<String, Object> CHAINS = Map.of("snapshot-as-volume-chain", "1");

        Chains() {
            super(
                    new LvmPlugin(Lab.HOST),
                    Lab.thick(Lab.GROUP, CHAINS),
                    Lab.thick("nosuch", CHAINS),
                    new Abilities(
                            Set.of(Image.RAW, Image.QCOW2),
                            QCOW2,
                            NONE,
                            NONE,
                            Set.of(Image.RAW, Image.QCOW2),
                            Set.of(Image.RAW, Image.QCOW2),
                            true,
                            false,
                            true));
        }
    }

    @TestInstance(Lifecycle.PER_CLASS)
    static class Thin extends LvmContract {
        Thin() {
            super(
                    new LvmThinPlugin(Lab.HOST),
                    Lab.thin(Lab.GROUP, Lab.POOL),
                    Lab.thin(Lab.GROUP, "nosuch"),
                    new Abilities(RAW, RAW, RAW, RAW, RAW, RAW, false, false, true).having(Habit.HIDES_BASES));
        }
    }
}

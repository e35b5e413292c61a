package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Remedy;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What operations leave that end in the middle, each made by hand, and what becomes of it; in a guest. */
class LvmLeftovers {
    private static final Vmid GUEST = new Vmid(100);
    private static final ByteSize SIZE = ByteSize.ofKib(4096);
    private static final SnapshotName SNAPSHOT = new SnapshotName("before");
    private static final VolumeName RAW = new VolumeName("vm-100-disk-0");
    private static final VolumeName QCOW2 = new VolumeName("vm-100-disk-0.qcow2");
    private static final String THIN_SNAPSHOT = "snap_vm-100-disk-0_before";
    private static final String CHAIN_SNAPSHOT = "snap_vm-100-disk-0_before.qcow2";

    private final StoragePlugin thin = LvmWork.plugin(true);
    private final Storage pool = LvmWork.storage(true);
    private final StoragePlugin chains = LvmWork.plugin(false);
    private final Storage group = LvmWork.storage(false);

    @BeforeAll
    static void prepare() {
        Lab.prepare(Lab.GROUP, "/dev/ubda");
    }

    @AfterEach
    void removeAll() {
        for (String name : names()) {
            if (!name.equals(Lab.POOL)) {
                Lab.run("lvremove", "-f", Lab.GROUP + "/" + name);
            }
        }
    }

    private static List<String> names() {
        return Lab.run("lvs", "--noheadings", "-o", "lv_name", Lab.GROUP)
                .lines()
                .map(String::strip)
                .sorted()
                .toList();
    }

    private static void rename(String from, String to) {
        Lab.run("lvrename", Lab.GROUP, from, to);
    }

    private static void make(String name) {
        Lab.run("lvcreate", "-aly", "-Wy", "--yes", "--size", "4m", "--name", name, Lab.GROUP);
    }

    private static Interruption of(Mutation operation, @Nullable VolumeName volume, @Nullable SnapshotName snapshot) {
        Map<String, String> parameters = volume == null ? Map.of() : Map.of("name", volume.value());
        return new Interruption("1", operation, volume, snapshot, parameters, Map.of());
    }

    /** Repairs what can be, and answers what cannot. */
    private static List<Finding> repaired(StoragePlugin plugin, Storage storage, Interruption... causes) {
        for (Finding finding : plugin.examinable().orElseThrow().examine(storage, List.of(causes))) {
            if (finding.remedy() instanceof Remedy.Automatic automatic) {
                automatic.work().run();
            }
        }
        return plugin.examinable().orElseThrow().examine(storage, List.of(causes));
    }

    private VolumeName made(StoragePlugin plugin, Storage storage, VolumeName volume) throws IOException {
        Format format = volume.equals(QCOW2) ? Image.QCOW2 : Image.RAW;
        plugin.allocImage(storage, GUEST, format, volume.value(), SIZE);
        write(plugin, storage, volume, 1);
        plugin.snapshotVolume(storage, volume, SNAPSHOT);
        write(plugin, storage, volume, 2);
        return volume;
    }

    private static String io(StoragePlugin plugin, Storage storage, VolumeName volume, String command) {
        plugin.activateVolume(storage, volume, null, OperationCache.create(), Hints.NONE);
        String device = plugin.path(storage, volume, null).path();
        assertThat(Files.exists(Path.of(device))).isTrue();
        String format = volume.equals(QCOW2) ? "qcow2" : "raw";
        return Lab.run("qemu-io", "-f", format, "-c", command, device);
    }

    private static void write(StoragePlugin plugin, Storage storage, VolumeName volume, int value) {
        io(plugin, storage, volume, "write -P " + value + " 0 64k");
    }

    private static void holds(StoragePlugin plugin, Storage storage, VolumeName volume, int value) {
        assertThat(io(plugin, storage, volume, "read -P " + value + " 0 64k")).doesNotContain("failed");
    }

    @Test
    void aThinVolumeThatWasTakenAwayForARollbackComesBack() throws IOException {
        VolumeName volume = made(thin, pool, RAW);
        rename("vm-100-disk-0", "del-vm-100-disk-0");
        assertThat(repaired(thin, pool, of(Mutation.ROLLBACK, volume, SNAPSHOT)))
                .isEmpty();
        assertThat(names()).containsExactly(Lab.POOL, THIN_SNAPSHOT, "vm-100-disk-0");
        holds(thin, pool, volume, 2);
    }

    @Test
    void whatAThinVolumeWasBeforeItWasRolledBackGoes() throws IOException {
        VolumeName volume = made(thin, pool, RAW);
        rename("vm-100-disk-0", "del-vm-100-disk-0");
        Lab.run("lvcreate", "-kn", "-n", "vm-100-disk-0", "-s", Lab.GROUP + "/" + THIN_SNAPSHOT);
        assertThat(repaired(thin, pool, of(Mutation.ROLLBACK, volume, SNAPSHOT)))
                .isEmpty();
        assertThat(names()).containsExactly(Lab.POOL, THIN_SNAPSHOT, "vm-100-disk-0");
        holds(thin, pool, volume, 1);
    }

    @Test
    void aBaseImageThatCanBeWrittenToIsProtected() {
        thin.allocImage(pool, GUEST, Image.RAW, RAW.value(), SIZE);
        rename("vm-100-disk-0", "base-100-disk-0");
        assertThat(repaired(thin, pool, of(Mutation.CREATE_BASE, RAW, null))).isEmpty();
        assertThat(Lab.run("lvs", "--noheadings", "-o", "lv_attr", Lab.GROUP + "/base-100-disk-0")
                        .strip())
                .startsWith("Vr")
                .endsWith("k");
    }

    @Test
    void aVolumeThatBecameItsSnapshotComesBack() throws IOException {
        VolumeName volume = made(chains, group, QCOW2);
        SnapshotName second = new SnapshotName("second");
        rename(volume.value(), "snap_vm-100-disk-0_second.qcow2");
        assertThat(repaired(chains, group, of(Mutation.SNAPSHOT_VOLUME, volume, second)))
                .isEmpty();
        assertThat(names()).containsExactly(Lab.POOL, CHAIN_SNAPSHOT, volume.value());
        holds(chains, group, volume, 2);
        rename(volume.value(), "snap_vm-100-disk-0_second.qcow2");
        make(volume.value());
        assertThat(repaired(chains, group, of(Mutation.SNAPSHOT_VOLUME, volume, second)))
                .isEmpty();
        holds(chains, group, volume, 2);
    }

    @Test
    void aVolumeOfAChainThatWasTakenAwayForARollbackComesBack() throws IOException {
        VolumeName volume = made(chains, group, QCOW2);
        rename(volume.value(), "del-" + volume);
        make(volume.value());
        assertThat(repaired(chains, group, of(Mutation.ROLLBACK, volume, SNAPSHOT)))
                .isEmpty();
        assertThat(names()).containsExactly(Lab.POOL, CHAIN_SNAPSHOT, volume.value());
        holds(chains, group, volume, 2);
    }

    @Test
    void aSnapshotThatHasTakenInItsVolumeTakesItsPlace() throws IOException {
        VolumeName volume = made(chains, group, QCOW2);
        chains.activateVolume(group, volume, null, OperationCache.create(), Hints.NONE);
        Lab.run(
                "qemu-img",
                "commit",
                "-d",
                "-f",
                "qcow2",
                chains.path(group, volume, null).path());
        Lab.run("lvremove", "-f", Lab.GROUP + "/" + volume);
        assertThat(repaired(chains, group, of(Mutation.DELETE_SNAPSHOT, volume, SNAPSHOT)))
                .isEmpty();
        assertThat(names()).containsExactly(Lab.POOL, volume.value());
        holds(chains, group, volume, 2);
    }

    @Test
    void whatWasBeingMadeAndIsNoImageGoes() {
        make(QCOW2.value());
        assertThat(repaired(chains, group, of(Mutation.ALLOC_IMAGE, QCOW2, null)))
                .isEmpty();
        assertThat(names()).containsExactly(Lab.POOL);
    }

    /** A failure that may pass says nothing of what a volume holds. */
    @Test
    void whatCannotBeReadJustNowIsNotTakenForUnfinished() throws IOException {
        VolumeName volume = made(chains, group, QCOW2);
        Lab.run("lvcreate", "-an", "-Zn", "-Wn", "-L", "4m", "-n", "del-" + volume, Lab.GROUP);
        Lab.run(
                "dmsetup",
                "wipe_table",
                Lab.GROUP.replace("-", "--") + "-" + volume.value().replace("-", "--"));
        List<String> before = names();
        for (Interruption cause : List.of(
                of(Mutation.ALLOC_IMAGE, volume, null),
                of(Mutation.SNAPSHOT_VOLUME, volume, SNAPSHOT),
                of(Mutation.ROLLBACK, volume, SNAPSHOT))) {
            assertThat(repaired(chains, group, cause))
                    .as("%s", cause.operation())
                    .anySatisfy(finding -> {
                        assertThat(finding.kind()).isEqualTo(Finding.Kind.IMAGE_UNREADABLE);
                        assertThat(finding.remedy()).isInstanceOf(Remedy.ByHand.class);
                        assertThat(finding.interruption()).isEqualTo("1");
                    });
            assertThat(names()).as("%s", cause.operation()).isEqualTo(before);
        }
        Lab.run("lvchange", "--refresh", Lab.GROUP + "/" + volume);
        holds(chains, group, volume, 2);
    }

    /** Another program may be overwriting it, and a volume without an image may be all that there is. */
    @Test
    void whatNobodyExplainsIsLeftToAPerson() throws IOException {
        VolumeName volume = made(chains, group, QCOW2);
        rename(volume.value(), "del-" + volume);
        assertThat(repaired(chains, group))
                .extracting(finding -> finding.kind().word())
                .containsExactlyInAnyOrder("unfinished", "image-missing");
        assertThat(names()).containsExactly(Lab.POOL, "del-" + volume, CHAIN_SNAPSHOT);
        assertThat(chains.listImages(group, ImageFilter.all(), OperationCache.create()))
                .isEmpty();
        Optional<Cleanup> left = chains.freeImage(group, volume, false, Image.QCOW2);
        assertThat(left).isEmpty();
    }
}

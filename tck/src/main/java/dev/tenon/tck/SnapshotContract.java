package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Volumes are taken back to what they were. */
@OfProfile(Profile.SNAPSHOTS)
interface SnapshotContract extends Contract {
    SnapshotName BEFORE = new SnapshotName("before");
    SnapshotName UNKNOWN = new SnapshotName("never-taken");

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = {
                "volume_snapshot",
                "volume_snapshot_info",
                "volume_rollback_is_possible",
                "volume_snapshot_rollback",
                "volume_snapshot_delete"
            },
            otherwise = "Do not take snapshots of this format here; make backups.")
    default void aSnapshotIsTakenListedRolledBackToAndDeletedOrRefused(Format.Image format) {
        requires(format);
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        VolumeName volume = images().make(Images.newGuest(), format);
        if (!subject().abilities().snapshots().contains(format)) {
            refusesSnapshots(volume);
            return;
        }
        images().fill(volume, 1);
        plugin.snapshotVolume(storage, volume, BEFORE);
        assertThat(snapshots(volume)).containsExactly("before");
        images().fill(volume, 2);
        assertThat(plugin.rollbackIsPossible(storage, volume, BEFORE)).isInstanceOf(Rollback.Possible.class);
        plugin.rollback(storage, volume, BEFORE);
        images().isFilled(volume, 1);
        images().fill(volume, 3);
        assertThat(snapshots(volume)).as("the snapshot stays").containsExactly("before");
        plugin.rollback(storage, volume, BEFORE);
        images().isFilled(volume, 1);
        images().fill(volume, 4);
        plugin.deleteSnapshot(storage, volume, BEFORE, false);
        assertThat(snapshots(volume)).isEmpty();
        images().isFilled(volume, 4);
        assertThat(images().bytes(volume))
                .isGreaterThanOrEqualTo(Images.sizeOf(format).bytes());
    }

    private void refusesSnapshots(VolumeName volume) {
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        failing().refused(StorageError.NOT_SUPPORTED, () -> plugin.snapshotVolume(storage, volume, BEFORE));
        failing().refused(StorageError.NOT_SUPPORTED, () -> plugin.rollback(storage, volume, BEFORE));
        failing().refused(StorageError.NOT_SUPPORTED, () -> plugin.deleteSnapshot(storage, volume, BEFORE, false));
        failing().refused(StorageError.NOT_SUPPORTED, () -> plugin.path(storage, volume, BEFORE));
        assertThat(images().names()).containsExactly(volume);
    }

    @Test
    @Check(
            calls = {"volume_snapshot_delete", "volume_snapshot_info"},
            otherwise = "Keep one snapshot of a guest at a time.")
    default void eachOfSeveralSnapshotsIsDeletedWithoutHarmToTheVolume() {
        for (Format.Image format : snapshotFormats()) {
            StoragePlugin plugin = subject().plugin();
            Storage storage = subject().storage();
            VolumeName volume = images().make(Images.newGuest(), format);
            for (int i = 1; i <= 3; i++) {
                images().fill(volume, i);
                plugin.snapshotVolume(storage, volume, new SnapshotName("at" + i));
            }
            images().fill(volume, 4);
            assertThat(snapshots(volume)).containsExactly("at1", "at2", "at3");
            plugin.deleteSnapshot(storage, volume, new SnapshotName("at2"), false);
            assertThat(snapshots(volume)).containsExactly("at1", "at3");
            images().isFilled(volume, 4);
            plugin.rollback(storage, volume, new SnapshotName("at3"));
            images().isFilled(volume, 3);
            plugin.deleteSnapshot(storage, volume, new SnapshotName("at3"), false);
            plugin.rollback(storage, volume, new SnapshotName("at1"));
            images().isFilled(volume, 1);
            if (subject().abilities().has(Abilities.Habit.LISTS_SNAPSHOTS)) {
                assertThat(images().names()).hasSize(2).contains(volume);
            } else {
                assertThat(images().names()).containsExactly(volume);
            }
            images().free(volume);
        }
    }

    @Test
    @Check(
            calls = {"volume_snapshot_rollback", "volume_snapshot_delete"},
            otherwise = "List snapshots before one is rolled back to.")
    default void aSnapshotThatWasNeverTakenIsNeitherRolledBackToNorDeleted() {
        for (Format.Image format : snapshotFormats()) {
            StoragePlugin plugin = subject().plugin();
            Storage storage = subject().storage();
            VolumeName volume = images().make(Images.newGuest(), format);
            plugin.snapshotVolume(storage, volume, BEFORE);
            images().fill(volume, 5);
            failing()
                    .clean(
                            () -> plugin.rollback(storage, volume, UNKNOWN),
                            StorageError.NOT_FOUND,
                            StorageError.IN_USE);
            failing().clean(() -> plugin.deleteSnapshot(storage, volume, UNKNOWN, false), StorageError.NOT_FOUND);
            assertThat(snapshots(volume)).containsExactly("before");
            images().isFilled(volume, 5);
            images().free(volume);
        }
    }

    @Test
    @Check(
            calls = {"volume_snapshot", "volume_snapshot_info"},
            otherwise = "Name snapshots with letters and digits only.")
    default void aNameOfASnapshotMayHaveHyphensAndUnderscores() {
        for (Format.Image format : snapshotFormats()) {
            StoragePlugin plugin = subject().plugin();
            Storage storage = subject().storage();
            VolumeName volume = images().make(Images.newGuest(), format);
            SnapshotName odd = new SnapshotName("disk_with-an_odd-name");
            images().fill(volume, 6);
            plugin.snapshotVolume(storage, volume, odd);
            images().fill(volume, 7);
            assertThat(snapshots(volume)).containsExactly(odd.value());
            plugin.rollback(storage, volume, odd);
            images().isFilled(volume, 6);
            plugin.deleteSnapshot(storage, volume, odd, false);
            assertThat(snapshots(volume)).isEmpty();
            images().free(volume);
        }
    }

    /** Growing may be refused while there is a snapshot. */
    @Test
    @Check(
            calls = {"volume_snapshot_delete", "volume_resize"},
            otherwise = "Delete all snapshots of a volume before it grows.")
    default void aVolumeThatHasGrownSinceASnapshotLosesItWithoutHarm() {
        for (Format.Image format : snapshotFormats()) {
            StoragePlugin plugin = subject().plugin();
            Storage storage = subject().storage();
            VolumeName volume = images().make(Images.newGuest(), format);
            plugin.snapshotVolume(storage, volume, BEFORE);
            long before = images().bytes(volume);
            long larger = before;
            try {
                plugin.resizeVolume(storage, volume, ByteSize.ofBytes(3 * before), false, null);
                larger = 3 * before;
            } catch (StorageException e) {
                assertThat(images().bytes(volume)).as(e.getMessage()).isEqualTo(before);
            }
            images().fill(volume, 8);
            plugin.deleteSnapshot(storage, volume, BEFORE, false);
            assertThat(images().bytes(volume)).isGreaterThanOrEqualTo(larger);
            images().isFilled(volume, 8);
            images().free(volume);
        }
    }

    /** Backups of containers read the path of a snapshot; one inside a qcow2 image has none. */
    @Test
    @Check(
            calls = {"path", "list_images"},
            otherwise = "Back containers up in mode stop: a backup of a snapshot would read the running one.")
    default void aSnapshotIsNeverTheVolumeItself() {
        Set<Format.Image> formats = new TreeSet<>(snapshotFormats());
        formats.remove(Format.Image.QCOW2);
        requires(!formats.isEmpty(), "takes no snapshots of what containers have");
        for (Format.Image format : formats) {
            StoragePlugin plugin = subject().plugin();
            Storage storage = subject().storage();
            VolumeName volume = images().make(Images.newGuest(), format);
            List<VolumeName> before = images().names();
            plugin.snapshotVolume(storage, volume, BEFORE);
            try {
                assertThat(plugin.path(storage, volume, BEFORE).path())
                        .isNotEqualTo(plugin.path(storage, volume, null).path());
            } catch (StorageException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
            if (!subject().abilities().has(Abilities.Habit.LISTS_SNAPSHOTS)) {
                assertThat(images().names()).isEqualTo(before);
            }
            images().free(volume);
        }
    }

    @Test
    @Check(calls = "volume_snapshot", otherwise = "Look whether the volume is listed before a snapshot is taken.")
    default void aVolumeThatDoesNotExistHasNoSnapshots() {
        for (Format.Image format : snapshotFormats()) {
            VolumeName missing = images().missing(format);
            failing()
                    .clean(
                            () -> subject().plugin().snapshotVolume(subject().storage(), missing, BEFORE),
                            StorageError.NOT_FOUND);
            assertThat(images().names()).isEmpty();
        }
    }

    @Test
    @Check(calls = "rename_snapshot", otherwise = "Do not rename snapshots.")
    default void aSnapshotIsRenamedOrThatIsRefused() {
        for (Format.Image format : snapshotFormats()) {
            StoragePlugin plugin = subject().plugin();
            Storage storage = subject().storage();
            VolumeName volume = images().make(Images.newGuest(), format);
            plugin.snapshotVolume(storage, volume, BEFORE);
            SnapshotName after = new SnapshotName("after");
            if (!subject().abilities().renamesSnapshots()) {
                failing()
                        .refused(
                                StorageError.NOT_SUPPORTED,
                                () -> plugin.renameSnapshot(storage, volume, BEFORE, after));
                assertThat(snapshots(volume)).containsExactly("before");
            } else {
                plugin.snapshotVolume(storage, volume, after);
                failing()
                        .clean(
                                () -> plugin.renameSnapshot(storage, volume, BEFORE, after),
                                StorageError.ALREADY_EXISTS);
                assertThat(snapshots(volume)).containsExactly("after", "before");
            }
            images().free(volume);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-x", "../x", "a/b", "a\nb"})
    @Check(calls = "volume_snapshot", otherwise = "Check names of snapshots before they are used.")
    default void aHostileSnapshotNameIsRefused(String name) {
        VolumeName volume = images().make(Images.newGuest(), images().anyFormat());
        Failing.refusedByAll(
                StorageError.INVALID_NAME,
                () -> subject().plugin().snapshotVolume(subject().storage(), volume, new SnapshotName(name)));
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = {"volume_has_feature", "volume_qemu_snapshot_method"},
            otherwise =
                    "Try what is offered on a volume without content first: PVE offers its users what the plugin says.")
    default void whatIsOfferedIsWhatCanBeDone(Format.Image format) {
        Abilities abilities = subject().abilities();
        requires(format);
        VolumeName volume = images().make(Images.newGuest(), format);
        assertThat(offers(Feature.SNAPSHOT, volume))
                .as("snapshot")
                .isEqualTo(abilities.snapshots().contains(format));
        assertThat(offers(Feature.TEMPLATE, volume))
                .as("template")
                .isEqualTo(abilities.bases().contains(format));
        assertThat(offers(Feature.RENAME, volume) && !abilities.renames().contains(format))
                .as("rename that cannot be done")
                .isFalse();
        assertThat(offers(Feature.CLONE, volume))
                .as("clone of what is no base")
                .isEqualTo(abilities.has(Abilities.Habit.CLONES_ANYTHING));
        assertThat(subject().plugin().snapshotMethod(subject().storage(), volume))
                .isNotNull();
    }

    private boolean offers(Feature feature, VolumeName volume) {
        return subject().plugin().hasFeature(subject().storage(), feature, volume, null, false, null);
    }

    /** The names of a volume's snapshots, without the volume itself. */
    private Set<String> snapshots(VolumeName volume) {
        Set<String> names = new TreeSet<>(
                subject().plugin().snapshots(subject().storage(), volume).keySet());
        names.remove("current");
        return names;
    }
}

package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Volumes are taken back to what they were. */
interface SnapshotContract extends Contract {
    SnapshotName BEFORE = new SnapshotName("before");
    SnapshotName UNKNOWN = new SnapshotName("never-taken");

    @ParameterizedTest(name = "{0}")
    @EnumSource
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
            assertThat(images().names()).containsExactly(volume);
            images().free(volume);
        }
    }

    @Test
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
    default void aHostileSnapshotNameIsRefused(String name) {
        VolumeName volume = images().make(Images.newGuest(), images().anyFormat());
        Failing.refusedByAll(
                StorageError.INVALID_NAME,
                () -> subject().plugin().snapshotVolume(subject().storage(), volume, new SnapshotName(name)));
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
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
        assertThat(offers(Feature.CLONE, volume)).as("clone of what is no base").isFalse();
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

package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A host that does not know whether its call was carried out repeats it: then either nothing changes, or the call is refused
 * with nothing done. Allocating without a name and cloning make another volume each time, and are not here; allocating with
 * one, freeing, importing, activating and making a base are repeated where they are tested. Renaming a snapshot is one of
 * several steps of a host; by itself it leaves the volume unusable.
 */
@OfProfile(Profile.CORE)
interface RepetitionContract extends Contract {
    SnapshotName TAKEN = new SnapshotName("taken");
    SnapshotName LATER = new SnapshotName("later");

    @Test
    @Check(calls = "volume_snapshot", otherwise = "List snapshots before one is taken again: the first would be lost.")
    @OfProfile(Profile.SNAPSHOTS)
    default void aSnapshotThatIsTakenAgainIsThatSnapshot() {
        for (Format.Image format : snapshotFormats()) {
            VolumeName volume = filled(format);
            repeated(() -> plugin().snapshotVolume(storage(), volume, TAKEN));
            images().isFilled(volume, 51);
            images().free(volume);
        }
    }

    @Test
    @Check(calls = "volume_snapshot_delete", otherwise = "List snapshots before one is deleted again.")
    @OfProfile(Profile.SNAPSHOTS)
    default void aSnapshotThatIsDeletedAgainIsGone() {
        for (Format.Image format : snapshotFormats()) {
            VolumeName volume = filled(format);
            plugin().snapshotVolume(storage(), volume, TAKEN);
            plugin().snapshotVolume(storage(), volume, LATER);
            repeated(() -> plugin().deleteSnapshot(storage(), volume, TAKEN, false));
            images().isFilled(volume, 51);
            images().free(volume);
        }
    }

    @Test
    @Check(
            calls = "volume_snapshot_rollback",
            otherwise = "Roll back once, and look at the guest before it is done again.")
    @OfProfile(Profile.SNAPSHOTS)
    default void aVolumeThatIsRolledBackAgainIsWhatItWas() {
        for (Format.Image format : snapshotFormats()) {
            VolumeName volume = filled(format);
            plugin().snapshotVolume(storage(), volume, TAKEN);
            images().fill(volume, 52);
            repeated(() -> plugin().rollback(storage(), volume, TAKEN));
            images().isFilled(volume, 51);
            images().free(volume);
        }
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(calls = "volume_resize", otherwise = "Ask for the size before a resize is repeated.")
    @OfProfile(Profile.BLOCKS)
    default void aVolumeThatGrowsAgainIsAsLargeAsItWasToBe(Format.Image format) {
        requires(format);
        requires(
                subject().abilities().resizes().contains(format),
                "makes no images of format '" + format.word() + "' larger");
        VolumeName volume = filled(format);
        ByteSize larger = ByteSize.ofBytes(2 * images().bytes(volume));
        repeated(() -> plugin().resizeVolume(storage(), volume, larger, false, null));
        assertThat(images().bytes(volume)).isEqualTo(larger.bytes());
        images().isFilled(volume, 51);
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(calls = "rename_volume", otherwise = "List the volumes of both guests before a rename is repeated.")
    default void aVolumeThatIsGivenToAnotherGuestAgainIsThatGuests(Format.Image format) {
        requires(format);
        requires(
                subject().abilities().renames().contains(format),
                "renames no images of format '" + format.word() + "'");
        VolumeName volume = filled(format);
        Vmid guest = Images.newGuest();
        repeated(() -> plugin().renameVolume(storage(), volume, guest, null));
        assertThat(images().namesOf(guest)).hasSize(1);
        images().isFilled(images().namesOf(guest).getFirst(), 51);
    }

    private StoragePlugin plugin() {
        return subject().plugin();
    }

    private Storage storage() {
        return subject().storage();
    }

    private VolumeName filled(Format.Image format) {
        VolumeName volume = images().make(Images.newGuest(), format);
        images().fill(volume, 51);
        return volume;
    }

    /** Makes a call twice; the second time nothing changes, whether it is refused or not. */
    private void repeated(ThrowingCallable call) {
        assertThatCode(call).doesNotThrowAnyException();
        List<String> after = state();
        try {
            call.call();
        } catch (StorageException e) {
            assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
            if (subject().abilities().tellsWhy()) {
                assertThat(e.outcome()).as(e.getMessage()).isNotEqualTo(Outcome.UNKNOWN);
            }
        } catch (Throwable e) {
            throw new AssertionError("a call that is made again is refused or succeeds", e);
        }
        assertThat(state()).as("after the call was made again").isEqualTo(after);
    }

    /** All volumes, their sizes and the names of their snapshots. */
    private List<String> state() {
        List<String> all = new ArrayList<>();
        for (VolumeInfo image : images().list(ImageFilter.all())) {
            VolumeName volume = image.volid().volume();
            all.add(volume + " " + image.size() + " " + image.format() + " " + snapshots(volume));
        }
        all.sort(null);
        return all;
    }

    private Set<String> snapshots(VolumeName volume) {
        boolean hasSome = subject()
                .abilities()
                .snapshots()
                .contains(plugin().parseVolname(volume).format());
        return hasSome ? new TreeSet<>(plugin().snapshots(storage(), volume).keySet()) : new TreeSet<>();
    }
}

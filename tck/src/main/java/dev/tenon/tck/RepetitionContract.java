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
 * A host that does not know whether its call was carried out makes it once more: then either nothing changes, or the call
 * is refused with nothing done. Allocating without a name and cloning make another volume each time, and are not here;
 * allocating with one, freeing, importing, activating and making a base are repeated where they are tested. Renaming a
 * snapshot is one step of several of a host, which leaves the volume unusable by itself.
 */
interface RepetitionContract extends Contract {
    SnapshotName TAKEN = new SnapshotName("taken");
    SnapshotName LATER = new SnapshotName("later");

    @Test
    default void aSnapshotThatIsTakenAgainIsThatSnapshot() {
        for (Format.Image format : snapshotFormats()) {
            VolumeName volume = filled(format);
            repeated(() -> plugin().snapshotVolume(storage(), volume, TAKEN));
            images().isFilled(volume, 51);
            images().free(volume);
        }
    }

    @Test
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

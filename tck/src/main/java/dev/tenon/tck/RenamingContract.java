package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Volumes get other names and owners. */
@OfProfile(Profile.CORE)
interface RenamingContract extends Contract {
    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(calls = "rename_volume", otherwise = "Move disks between guests by copying them.")
    default void aVolumeIsGivenToAnotherGuestOrThatIsRefused(Format.Image format) {
        requires(format);
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        Vmid from = Images.newGuest();
        Vmid to = Images.newGuest();
        VolumeName volume = images().make(from, format);
        if (!subject().abilities().renames().contains(format)) {
            failing().refused(StorageError.NOT_SUPPORTED, () -> plugin.renameVolume(storage, volume, to, null));
            assertThat(images().names()).containsExactly(volume);
            return;
        }
        images().fill(volume, 31);
        VolumeId renamed = plugin.renameVolume(storage, volume, to, null);
        assertThat(renamed.storage()).isEqualTo(storage.id());
        assertThat(images().namesOf(from)).isEmpty();
        assertThat(images().namesOf(to)).containsExactly(renamed.volume());
        images().isFilled(renamed.volume(), 31);
        if (subject().abilities().has(Abilities.Habit.NAMES_BY_ITSELF)) {
            return;
        }
        String name = plugin.findFreeDiskname(storage, to, format, true);
        VolumeId again = plugin.renameVolume(storage, renamed.volume(), to, new VolumeName(name));
        assertThat(again.volume().value()).endsWith(name);
        assertThat(images().names()).containsExactly(again.volume());
        images().isFilled(again.volume(), 31);
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = "rename_volume",
            otherwise = "Look whether the new name is listed before a volume is renamed: its content would be lost.")
    default void aVolumeDoesNotReplaceAnotherWhenItIsRenamed(Format.Image format) {
        requires(
                subject().abilities().renames().contains(format),
                "renames no images of format '" + format.word() + "'");
        requiresWantedNames();
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        Vmid guest = Images.newGuest();
        String name = plugin.findFreeDiskname(storage, guest, format, true);
        VolumeName one = images().make(guest, format);
        VolumeName other = images().make(guest, format);
        images().fill(one, 1);
        images().fill(other, 2);
        failing()
                .clean(
                        () -> plugin.renameVolume(storage, other, guest, new VolumeName(name)),
                        StorageError.ALREADY_EXISTS);
        assertThat(images().namesOf(guest)).containsExactlyInAnyOrder(one, other);
        images().isFilled(one, 1);
        images().isFilled(other, 2);
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(calls = "rename_volume", otherwise = "Activate a volume before it is renamed.")
    default void aVolumeThatIsNotActiveIsRenamed(Format.Image format) {
        requires(
                subject().abilities().renames().contains(format),
                "renames no images of format '" + format.word() + "'");
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        VolumeName volume = images().make(Images.newGuest(), format);
        images().fill(volume, 32);
        plugin.deactivateVolume(storage, volume, null, OperationCache.create());
        VolumeId renamed = plugin.renameVolume(storage, volume, Images.newGuest(), null);
        assertThat(images().names()).containsExactly(renamed.volume());
        images().isFilled(renamed.volume(), 32);
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(calls = "rename_volume", otherwise = "Look whether the volume is listed before it is renamed.")
    default void aVolumeThatDoesNotExistIsNotRenamed(Format.Image format) {
        requires(
                subject().abilities().renames().contains(format),
                "renames no images of format '" + format.word() + "'");
        VolumeName missing = images().missing(format);
        failing()
                .clean(
                        () -> subject().plugin().renameVolume(subject().storage(), missing, Images.newGuest(), null),
                        StorageError.NOT_FOUND);
        assertThat(images().names()).isEmpty();
    }
}

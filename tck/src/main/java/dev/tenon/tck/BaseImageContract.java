package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Base images and their linked clones. */
@OfProfile(Profile.CLONES)
interface BaseImageContract extends Contract {
    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(calls = "create_base", otherwise = "Do not make templates here.")
    default void aVolumeBecomesABaseOrThatIsRefused(Format.Image format) {
        requires(format);
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        Vmid guest = Images.newGuest();
        VolumeName volume = images().make(guest, format);
        if (!subject().abilities().bases().contains(format)) {
            failing().refused(StorageError.NOT_SUPPORTED, () -> plugin.createBase(storage, volume));
            assertThat(images().namesOf(guest)).containsExactly(volume);
            return;
        }
        VolumeName base = plugin.createBase(storage, volume);
        assertThat(parsed(base).isBase()).isTrue();
        assertThat(parsed(base).owner()).isEqualTo(guest);
        assertThat(images().namesOf(guest)).containsExactly(base);
        assertThat(images().bytes(base))
                .isGreaterThanOrEqualTo(Images.sizeOf(format).bytes());
        failing().refused(StorageError.NOT_SUPPORTED, () -> plugin.createBase(storage, base));
        assertThat(images().namesOf(guest)).containsExactly(base);
        images().free(base);
        assertThat(images().namesOf(guest)).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(calls = "clone_image", otherwise = "Make full clones only.")
    default void aCloneHasTheContentOfItsBaseAndDoesNotChangeItOrIsRefused(Format.Image format) {
        requires(
                subject().abilities().bases().contains(format),
                "makes no base images of format '" + format.word() + "'");
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        Vmid guest = Images.newGuest();
        VolumeName volume = images().make(Images.newGuest(), format);
        boolean isCloned = subject().abilities().clones().contains(format);
        if (isCloned) {
            images().fill(volume, 11);
        }
        VolumeName base = plugin.createBase(storage, volume);
        assertThat(plugin.hasFeature(storage, Feature.CLONE, base, null, false, null))
                .isEqualTo(isCloned);
        if (!isCloned) {
            failing().refused(StorageError.NOT_SUPPORTED, () -> plugin.cloneImage(storage, base, guest, null));
            assertThat(images().namesOf(guest)).isEmpty();
            return;
        }
        VolumeName clone = plugin.cloneImage(storage, base, guest, null);
        VolumeName second = plugin.cloneImage(storage, base, guest, null);
        assertThat(images().namesOf(guest)).containsExactlyInAnyOrder(clone, second);
        assertThat(parsed(clone).isBase()).isFalse();
        if (!subject().abilities().has(Abilities.Habit.HIDES_BASES)) {
            assertThat(Objects.requireNonNull(parsed(clone).base()).name())
                    .isEqualTo(parsed(base).name());
            assertThat(images().info(clone).parent()).isNotBlank();
        }
        assertThat(images().bytes(clone)).isEqualTo(images().bytes(base));
        images().isFilled(clone, 11);
        images().fill(clone, 12);
        images().isFilled(clone, 12);
        images().isFilled(second, 11);
        images().free(clone);
        images().free(second);
        assertThat(images().names()).containsExactly(base);
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = {"create_base", "alloc_image"},
            otherwise = "Give a template one disk on this storage, or choose the names of its disks yourself.")
    default void aSecondBaseOfAGuestGetsANameOfItsOwn(Format.Image format) {
        requires(
                subject().abilities().bases().contains(format),
                "makes no base images of format '" + format.word() + "'");
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        Vmid guest = Images.newGuest();
        VolumeName first = plugin.createBase(storage, images().make(guest, format));
        VolumeName second = plugin.createBase(storage, images().make(guest, format));
        assertThat(second).isNotEqualTo(first);
        assertThat(images().namesOf(guest)).containsExactlyInAnyOrder(first, second);
    }

    @Test
    @Check(
            calls = "clone_image",
            otherwise = "Clone templates only: what is cloned from a running disk changes with it.")
    default void whatIsNoBaseIsNotCloned() {
        requires(!subject().abilities().has(Abilities.Habit.CLONES_ANYTHING), "clones what is no base, too");
        Vmid guest = Images.newGuest();
        VolumeName volume = images().make(Images.newGuest(), images().anyFormat());
        failing()
                .refused(
                        StorageError.NOT_SUPPORTED,
                        () -> subject().plugin().cloneImage(subject().storage(), volume, guest, null));
        assertThat(images().namesOf(guest)).isEmpty();
    }

    private ParsedVolume.GuestImage parsed(VolumeName volume) {
        return assertThat(subject().plugin().parseVolname(volume))
                .asInstanceOf(type(ParsedVolume.GuestImage.class))
                .actual();
    }
}

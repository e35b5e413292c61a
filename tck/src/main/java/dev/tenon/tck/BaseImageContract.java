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
interface BaseImageContract extends Contract {
    @ParameterizedTest(name = "{0}")
    @EnumSource
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
        assertThat(Objects.requireNonNull(parsed(clone).base()).name())
                .isEqualTo(parsed(base).name());
        assertThat(images().bytes(clone)).isEqualTo(images().bytes(base));
        assertThat(images().info(clone).parent()).isNotBlank();
        images().isFilled(clone, 11);
        images().fill(clone, 12);
        images().isFilled(clone, 12);
        images().isFilled(second, 11);
        images().free(clone);
        images().free(second);
        assertThat(images().names()).containsExactly(base);
    }

    @Test
    default void whatIsNoBaseIsNotCloned() {
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

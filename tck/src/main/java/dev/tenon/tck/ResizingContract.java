package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.VolumeName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Volumes grow. */
@OfProfile(Profile.BLOCKS)
interface ResizingContract extends Contract {
    ByteSize LARGER = ByteSize.ofKib(3 * Images.SIZE.kibRoundedUp());

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = "volume_resize",
            otherwise = "Make disks as large as they will have to be, or move them to another storage to grow.")
    default void aVolumeGrowsAndKeepsItsContentOrIsRefused(Format.Image format) {
        requires(format);
        VolumeName volume = images().make(Images.newGuest(), format);
        if (!subject().abilities().resizes().contains(format)) {
            long before = images().bytes(volume);
            failing().refused(StorageError.NOT_SUPPORTED, () -> resize(volume));
            assertThat(images().bytes(volume)).isEqualTo(before);
            return;
        }
        images().fill(volume, 21);
        resize(volume);
        assertThat(images().bytes(volume)).isBetween(LARGER.bytes(), Images.FAR * LARGER.bytes());
        images().isFilled(volume, 21);
    }

    @Test
    @Check(calls = "volume_resize", otherwise = "Look whether the volume is listed before it is resized.")
    default void aVolumeThatDoesNotExistDoesNotGrow() {
        Format.Image format = images().anyFormat();
        requires(
                subject().abilities().resizes().contains(format),
                "makes no images of format '" + format.word() + "' larger");
        VolumeName missing = images().missing(format);
        failing().clean(() -> resize(missing), StorageError.NOT_FOUND);
        assertThat(images().names()).isEmpty();
    }

    private void resize(VolumeName volume) {
        subject().plugin().resizeVolume(subject().storage(), volume, LARGER, false, null);
    }
}

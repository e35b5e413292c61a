package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Volumes are made usable. */
interface ActivationContract extends Contract {
    @ParameterizedTest(name = "{0}")
    @EnumSource
    default void aVolumeIsActivatedAndDeactivatedAsOftenAsOneLikes(Format.Image format) {
        requires(format);
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        VolumeName volume = images().make(Images.newGuest(), format);
        OperationCache cache = OperationCache.create();
        for (int i = 0; i < 2; i++) {
            plugin.activateVolume(storage, volume, null, cache, Hints.NONE);
        }
        plugin.activateVolume(storage, volume, null, cache, new Hints(Map.of("of-a-later-host", 1L)));
        for (int i = 0; i < 2; i++) {
            plugin.unmapVolume(storage, volume, null);
            plugin.deactivateVolume(storage, volume, null, cache);
        }
        assertThat(images().isPresent(volume)).isTrue();
    }

    @Test
    default void aVolumeThatIsNotActiveCanBeDeactivated() {
        VolumeName volume = images().make(Images.newGuest(), images().anyFormat());
        subject().plugin().deactivateVolume(subject().storage(), volume, null, OperationCache.create());
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    default void aVolumeThatDoesNotExistIsNotActivated(Format.Image format) {
        requires(format);
        VolumeName missing = images().missing(format);
        failing().clean(() -> images().activate(missing), StorageError.NOT_FOUND);
        assertThat(images().isPresent(missing)).isFalse();
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource(names = "SUBVOL", mode = EnumSource.Mode.EXCLUDE)
    default void qemuIsToldHowToOpenAVolume(Format.Image format) {
        requires(format);
        VolumeName volume = images().make(Images.newGuest(), format);
        images().activate(volume);
        assertThat(subject()
                        .plugin()
                        .blockdevOptions(subject().storage(), volume, new BlockdevQuery(null, null, Hints.NONE)))
                .hasEntrySatisfying(
                        "driver", driver -> assertThat(driver).isIn("file", "host_device", "iscsi", "nbd", "rbd"));
    }
}

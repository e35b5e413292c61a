package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Volumes are made usable. */
@OfProfile(Profile.BLOCKS)
interface ActivationContract extends Contract {
    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = {"activate_volume", "deactivate_volume", "map_volume", "unmap_volume"},
            otherwise =
                    "Do not move guests on this storage between nodes: a second activation or deactivation fails or removes the volume.")
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
    @Check(
            calls = "deactivate_volume",
            otherwise = "Ignore errors of deactivate_volume after a guest that did not start.")
    default void aVolumeThatIsNotActiveCanBeDeactivated() {
        VolumeName volume = images().make(Images.newGuest(), images().anyFormat());
        subject().plugin().deactivateVolume(subject().storage(), volume, null, OperationCache.create());
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(calls = "activate_volume", otherwise = "Look whether the volume is listed before a guest is started.")
    default void aVolumeThatDoesNotExistIsNotActivated(Format.Image format) {
        requires(format);
        VolumeName missing = images().missing(format);
        failing().clean(() -> images().activate(missing), StorageError.NOT_FOUND);
        assertThat(images().isPresent(missing)).isFalse();
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = "volume_size_info",
            otherwise =
                    "Activate a volume before its size is asked: PVE takes an unknown size for a missing volume and makes it again.")
    default void aVolumeThatIsNotActiveHasItsSize(Format.Image format) {
        requires(format);
        VolumeName volume = images().make(Images.newGuest(), format);
        images().activate(volume);
        SizeInfo active = images().info(volume);
        subject().plugin().deactivateVolume(subject().storage(), volume, null, OperationCache.create());
        assertThat(images().info(volume).size()).isNotNull().isEqualTo(active.size());
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = "path",
            otherwise = "Take the owner of a volume from parse_volname: backups and permissions go by it.")
    default void aPathSaysWhoseVolumeItIs(Format.Image format) {
        requires(format);
        Vmid guest = Images.newGuest();
        VolumeName volume = images().make(guest, format);
        VolumePath path = subject().plugin().path(subject().storage(), volume, null);
        assertThat(path.path()).isNotBlank();
        assertThat(path.owner()).isIn(guest, null);
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource(names = "SUBVOL", mode = EnumSource.Mode.EXCLUDE)
    @Check(calls = "qemu_blockdev_options", otherwise = "Give VMs disks of another storage: QEMU cannot open these.")
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

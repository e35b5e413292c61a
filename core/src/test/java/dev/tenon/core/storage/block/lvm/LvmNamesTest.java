package dev.tenon.core.storage.block.lvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What names of volumes say. */
class LvmNamesTest {
    @Test
    void aNameTellsTheGuestAndTheFormat() {
        var raw = LvmNames.THICK.parse(new VolumeName("vm-100-disk-0"));
        assertThat(raw.owner()).isEqualTo(new Vmid(100));
        assertThat(raw.format()).isEqualTo(Format.Image.RAW);
        assertThat(LvmNames.THICK
                        .parse(new VolumeName("vm-100-cloudinit.qcow2"))
                        .format())
                .isEqualTo(Format.Image.QCOW2);
        assertThat(LvmNames.THIN.parse(new VolumeName("vm-100-cloudinit.qcow2")).format())
                .isEqualTo(Format.Image.RAW);
        assertThat(LvmNames.THIN.parse(new VolumeName("base-100-disk-0")).isBase())
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "base-100-disk-0",
                "vm-100",
                "vm-disk-0",
                "vm-0100-disk-0",
                "snap_vm-100-disk-0_a.qcow2",
                "del-vm-100-disk-0",
                "vm-100-disk-0-",
                "vm-100-disk 0",
                "vm-100-disk-0/x",
                "vm-100-\u00e4x"
            })
    void whatIsNoNameOfAThickVolumeIsRefused(String name) {
        assertThatThrownBy(() -> LvmNames.THICK.parse(new VolumeName(name)))
                .isInstanceOf(StorageException.class)
                .hasMessageMatching("(?s).*(illegal characters|unable to parse lvm volume name).*");
        assertThat(LvmNames.THICK.find(name)).isEmpty();
    }

    /** A name of a snapshot may hold what stands between it and the volume's. */
    @Test
    void aSnapshotIsCalledByItsVolume() {
        VolumeName volume = new VolumeName("vm-100-disk_with_underscore.qcow2");
        assertThat(Chain.name(volume, new SnapshotName("here_s_more")))
                .isEqualTo("snap_vm-100-disk_with_underscore_here_s_more.qcow2");
        assertThat(ThinVolumes.name(new VolumeName("vm-100-disk-0"), new SnapshotName("a")))
                .isEqualTo("snap_vm-100-disk-0_a");
    }

    /** A directory sends the bytes of a snapshot, and says of which. */
    @Test
    void theBytesOfASnapshotMakeAVolumeAndOnlyThose() {
        Storage storage = Storage.of("lab", "lvm", Map.of("vgname", "vg", "thinpool", "data"));
        SnapshotName one = new SnapshotName("one");
        for (VolumeGroupPlugin plugin : List.of(new LvmPlugin(), new LvmThinPlugin())) {
            VolumeName volume = new VolumeName("vm-100-disk-0");
            Transfer bytes = new Transfer(one, null, false);
            assertThat(plugin.importFormats(storage, volume, bytes)).containsExactly("raw+size");
            assertThat(plugin.exportFormats(storage, volume, bytes)).isEmpty();
            assertThat(plugin.importFormats(storage, volume, new Transfer(one, one, false)))
                    .isEmpty();
            assertThat(plugin.importFormats(storage, volume, new Transfer(one, null, true)))
                    .isEmpty();
        }
    }

    /** LVM makes it and no kernel can have its device. */
    @Test
    void aNameWhoseDeviceWouldBeTooLongIsRefused() {
        assertThatCode(() -> DeviceNames.refuseTooLong("vg", "a".repeat(124))).doesNotThrowAnyException();
        assertThatThrownBy(() -> DeviceNames.refuseTooLong("vg", "a".repeat(125)))
                .hasMessageContaining("128 characters");
        assertThatThrownBy(() -> DeviceNames.refuseTooLong("v-g", "-".repeat(62) + "a"))
                .isInstanceOf(StorageException.class);
    }
}

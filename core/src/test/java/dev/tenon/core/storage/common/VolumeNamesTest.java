package dev.tenon.core.storage.common;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VolumeNamesTest {
    @ParameterizedTest
    @CsvSource({
        "100/vm-100-disk-0.raw, vm-100-disk-0.raw, 100, false, raw",
        "100/vm-100-disk-1.qcow2, vm-100-disk-1.qcow2, 100, false, qcow2",
        "100/vm-200-disk-1.vmdk, vm-200-disk-1.vmdk, 100, false, vmdk",
        "100/base-100-disk-0.qcow2, base-100-disk-0.qcow2, 100, true, qcow2",
        "100/subvol-100-disk-0.subvol, subvol-100-disk-0.subvol, 100, false, subvol",
        "100/anything.raw, anything.raw, 100, false, raw",
        "100/base-x.raw, base-x.raw, 100, true, raw",
        "100/snap-x.raw, snap-x.raw, 100, false, raw",
        "100/vm-100-cloudinit.qcow2, vm-100-cloudinit.qcow2, 100, false, qcow2",
        "999999999/vm-1-a.raw, vm-1-a.raw, 999999999, false, raw",
        "100/.hidden.raw, .hidden.raw, 100, false, raw"
    })
    void readsGuestImages(String volume, String name, long owner, boolean isBase, String format) {
        assertThat(parse(volume))
                .isEqualTo(new ParsedVolume.GuestImage(name, new Vmid(owner), null, isBase, Format.ofWord(format)));
    }

    @Test
    void readsALinkedClone() {
        assertThat(parse("100/base-100-disk-0.raw/101/vm-101-disk-2.qcow2"))
                .isEqualTo(new ParsedVolume.GuestImage(
                        "vm-101-disk-2.qcow2",
                        new Vmid(101),
                        new ParsedVolume.Base("base-100-disk-0.raw", new Vmid(100)),
                        false,
                        Format.Image.QCOW2));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "iso/debian-12.iso | ISO | debian-12.iso | | raw",
                "iso/with blank.IMG | ISO | with blank.IMG | | raw",
                "vztmpl/debian.tar.gz | VZTMPL | debian.tar.gz | | raw",
                "vztmpl/debian.tar.zst | VZTMPL | debian.tar.zst | | raw",
                "vztmpl/debian.tar | VZTMPL | debian.tar | | raw",
                "backup/vzdump-qemu-100-2024_01_02-03_04_05.vma.zst | BACKUP |"
                        + " vzdump-qemu-100-2024_01_02-03_04_05.vma.zst | 100 | raw",
                "backup/vzdump-lxc-101-x.tar | BACKUP | vzdump-lxc-101-x.tar | 101 | raw",
                "backup/vzdump-openvz-101-x.tgz | BACKUP | vzdump-openvz-101-x.tgz | 101 | raw",
                "backup/other.tar.gz | BACKUP | other.tar.gz | | raw",
                "snippets/hook.pl | SNIPPETS | hook.pl | | raw",
                "import/appliance.ova | IMPORT | appliance.ova | | ova",
                "import/disk 1.qcow2 | IMPORT | disk 1.qcow2 | | qcow2",
                "import/machine.ovf | IMPORT | machine.ovf | | ovf",
                "import/appliance.ova/disk 1.vmdk | IMPORT | appliance.ova/disk 1.vmdk | | ova+vmdk"
            })
    void readsOtherContent(String volume, ContentType type, String name, @Nullable Long owner, String format) {
        assertThat(parse(volume))
                .isEqualTo(new ParsedVolume.Content(
                        type, name, owner == null ? null : new Vmid(owner), Format.ofWord(format)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vm-100-disk-0.raw",
                "images/100/vm-100-disk-0.raw",
                "iso/debian.txt",
                "iso/a/b.iso",
                "ISO/a.iso",
                "vztmpl/debian.zip",
                "backup/x.zip",
                "backup/x.vma.gz.notes",
                "snippets/a/b",
                "snippets/",
                "import/b?d.qcow2",
                "import/x.vdi",
                "rootdir/100",
                "0100/vm-100-disk-0.raw",
                "1000000000/vm-1-a.raw",
                "99999999999999999999/vm-1-a.raw",
                "a00/vm-100-disk-0.raw"
            })
    void refusesWhatIsNoVolumeOfADirectory(String volume) {
        assertThatThrownBy(() -> parse(volume))
                .hasMessage("unable to parse directory volume name '" + volume + "'")
                .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                .extracting(StorageException::error)
                .isEqualTo(StorageError.INVALID_NAME);
    }

    @ParameterizedTest
    @CsvSource({
        "100/vm-100-disk-0.txt, vm-100-disk-0.txt",
        "100/vm-100-disk-0, vm-100-disk-0",
        "100/.raw, .raw",
        "100/a/b.raw, a/b.raw",
        "100/base.txt/101/vm-101-disk-0.qcow2, base.txt",
        "100/base.raw/101/vm, vm",
        "100/vm-100-disk-0.RAW, vm-100-disk-0.RAW"
    })
    void refusesAFileNameThatIsNoImage(String volume, String name) {
        assertThatThrownBy(() -> parse(volume)).hasMessage("unable to parse volume filename '" + name + "'");
    }

    @Test
    void refusesASnapshot() {
        assertThatThrownBy(() -> parse("100/snap-one-vm-100-disk-0.qcow2"))
                .hasMessage("'snap-one-vm-100-disk-0.qcow2' is a snapshot filename, not a volume!");
    }

    @Test
    void refusesABlankInTheNameOfAnImage() {
        assertThatThrownBy(() -> parse("100/a b.raw"))
                .hasMessage("unable to parse directory volume name '100/a b.raw'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "100/../../etc/passwd.raw",
                "iso/../secret.iso",
                "..",
                "/etc/passwd",
                "100/vm-100-disk-0.raw\n",
                "100/-o.raw",
                "-rf",
                "",
                "100/./a.raw"
            })
    void isNeverGivenAHostileName(String volume) {
        assertThatThrownBy(() -> new VolumeName(volume))
                .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                .extracting(StorageException::error)
                .isEqualTo(StorageError.INVALID_NAME);
    }

    @Test
    void isNeverGivenANameOfThreeHundredCharacters() {
        assertThatThrownBy(() -> new VolumeName("100/" + "n".repeat(296) + ".raw"))
                .hasMessageContaining("300 bytes and the longest allowed is 255");
    }

    private static ParsedVolume parse(String volume) {
        return VolumeNames.parse(new VolumeName(volume));
    }
}

package dev.tenon.core.storage.common;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VolumeLookupTest {
    @TempDir
    Path directory;

    private final StoragePlugin plugin = new DirPlugin();
    private Storage storage = Storages.at(Path.of("/unset"));

    @BeforeEach
    void makeStorage() {
        storage = Storages.at(directory);
    }

    @ParameterizedTest
    @CsvSource({
        "template/iso/debian.iso,        iso/debian.iso",
        "template/cache/debian.tar.zst,  vztmpl/debian.tar.zst",
        "dump/vzdump-qemu-100-x.vma.gz,  backup/vzdump-qemu-100-x.vma.gz",
        "snippets/user.yaml,             snippets/user.yaml",
        "import/appliance.ova,           import/appliance.ova"
    })
    void tellsWhichVolumeAFileIsEvenBeforeItExists(String file, String volume) throws IOException {
        assertThat(find(file)).hasValue("store:" + volume);

        Path path = directory.resolve(file);
        Files.createDirectories(path.getParent());
        Files.createFile(path);
        assertThat(find(file)).hasValue("store:" + volume);
    }

    @Test
    void tellsWhichImageAFileIs() {
        Vmid guest = new Vmid(100);
        VolumeName raw = plugin.allocImage(storage, guest, Format.Image.RAW, null, ByteSize.ofKib(64));
        plugin.allocImage(storage, guest, Format.Image.SUBVOL, null, ByteSize.ofBytes(0));
        VolumeName base = plugin.createBase(storage, raw);
        plugin.cloneImage(storage, base, new Vmid(101), null);
        try {
            assertThat(find("images/100/base-100-disk-0.raw")).hasValue("store:100/base-100-disk-0.raw");
            assertThat(find("images/100/subvol-100-disk-1.subvol")).hasValue("store:100/subvol-100-disk-1.subvol");
            assertThat(find("images/101/vm-101-disk-0.qcow2"))
                    .hasValue("store:100/base-100-disk-0.raw/101/vm-101-disk-0.qcow2");
        } finally {
            plugin.freeImage(storage, base, true, null);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "images",
                "images/100",
                "images/100/missing.raw",
                "images/x/vm-100-disk-0.raw",
                "images/0100/vm-100-disk-0.raw",
                "template/iso",
                "template/iso/notes.txt",
                "template/iso/sub/debian.iso",
                "import/appliance.ova/disk.vmdk",
                "dump/backup.zip",
                "elsewhere/debian.iso",
                "template/iso/../../../debian.iso"
            })
    void findsNoVolumeWhereThereIsNone(String file) {
        assertThat(find(file)).isEmpty();
    }

    @Test
    void followsLinksFirst(@TempDir Path outside) throws IOException {
        Path isos = Files.createDirectories(directory.resolve("template/iso"));
        Path image = Files.createFile(outside.resolve("secret.iso"));
        Files.createSymbolicLink(isos.resolve("out.iso"), image);
        Files.createFile(isos.resolve("real.iso"));
        Files.createSymbolicLink(isos.resolve("other.iso"), Path.of("real.iso"));
        Files.createSymbolicLink(outside.resolve("in.iso"), isos.resolve("real.iso"));

        assertThat(find("template/iso/out.iso")).isEmpty();
        assertThat(find("template/iso/other.iso")).hasValue("store:iso/real.iso");
        assertThat(find(outside.resolve("in.iso"))).hasValue("store:iso/real.iso");
    }

    @Test
    void knowsAStorageThatIsALink(@TempDir Path outside) throws IOException {
        Path link = Files.createSymbolicLink(outside.resolve("link"), directory);
        plugin.allocImage(storage, new Vmid(100), Format.Image.RAW, null, ByteSize.ofKib(64));
        storage = Storages.at(link);

        assertThat(find(link.resolve("images/100/vm-100-disk-0.raw"))).hasValue("store:100/vm-100-disk-0.raw");
        assertThat(find("images/100/vm-100-disk-0.raw")).hasValue("store:100/vm-100-disk-0.raw");
        assertThat(find(link.resolve("template/iso/x.iso"))).hasValue("store:iso/x.iso");
    }

    @Test
    void knowsDirectoriesThatAreConfigured() {
        storage = Storages.at(directory, "content-dirs", "iso=media/isos");

        assertThat(find("media/isos/x.iso")).hasValue("store:iso/x.iso");
        assertThat(find("template/iso/x.iso")).isEmpty();
    }

    @Test
    void findsNothingInAStorageWithoutAPath() {
        storage = Storages.with(Map.of());

        assertThat(find("template/iso/x.iso")).isEmpty();
    }

    private Optional<String> find(String file) {
        return find(directory.resolve(file));
    }

    private Optional<String> find(Path file) {
        return VolumeLookup.find(plugin, storage, file).map(Object::toString);
    }
}

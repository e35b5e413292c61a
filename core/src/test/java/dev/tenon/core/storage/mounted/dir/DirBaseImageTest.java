package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Base images and linked clones. */
class DirBaseImageTest {
    private static final Vmid CLONER = new Vmid(101);

    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();
    private Storage storage = Storages.at(Path.of("/unset"));
    private Path guest = Path.of("/unset");

    @BeforeEach
    void makeStorage() throws IOException {
        storage = Storages.at(directory);
        guest = Files.createDirectories(directory.resolve("images/100"));
    }

    @AfterEach
    void makeMutable() {
        try {
            Command.of("chattr", "-R", "-i", directory.toString()).run();
        } catch (StorageException e) {
            assertThat(e).hasMessageContaining("chattr"); // nothing is immutable where flags are not known
        }
    }

    @ParameterizedTest
    @CsvSource({
        "raw, 100/vm-100-disk-0.raw, 100/base-100-disk-0.raw",
        "qcow2, 100/vm-100-disk-0.qcow2, 100/base-100-disk-0.qcow2",
        "vmdk, 100/vm-100-disk-0.vmdk, 100/base-100-disk-0.vmdk"
    })
    void makesAnImageABaseImageThatNobodyWrites(String format, String volume, String base) throws IOException {
        Qemu.create(directory.resolve("images"), "-f", format, volume, "1M");

        assertThat(plugin.createBase(storage, new VolumeName(volume)).value()).isEqualTo(base);

        Path file = directory.resolve("images").resolve(base);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("r--r--r--");
        assertThat(directory.resolve("images").resolve(volume)).doesNotExist();
        assertThat(plugin.parseVolname(new VolumeName(base))).hasFieldOrPropertyWithValue("isBase", true);
    }

    @Test
    void makesASubvolumeABaseThatCanStillBeRead() throws IOException {
        Files.createDirectory(guest.resolve("subvol-100-disk-0.subvol"));

        VolumeName base = plugin.createBase(storage, new VolumeName("100/subvol-100-disk-0.subvol"));

        assertThat(base.value()).isEqualTo("100/base-100-disk-0.subvol");
        assertThat(PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(guest.resolve("base-100-disk-0.subvol"))))
                .isEqualTo("r-xr-xr-x");
    }

    @Test
    void makesALinkedCloneABaseImageUnderItsLongName() throws IOException {
        VolumeName clone = clone(base("raw"));

        VolumeName base = plugin.createBase(storage, clone);

        assertThat(base.value()).isEqualTo("100/base-100-disk-0.raw/101/base-101-disk-0.qcow2");
        assertThat(plugin.cloneImage(storage, base, new Vmid(102), null).value())
                .isEqualTo("101/base-101-disk-0.qcow2/102/vm-102-disk-0.qcow2");
    }

    @Test
    void refusesABaseImage() throws IOException {
        Files.createFile(guest.resolve("base-100-disk-0.raw"));

        Failing.isRefused(
                () -> plugin.createBase(storage, new VolumeName("100/base-100-disk-0.raw")),
                StorageError.NOT_SUPPORTED,
                "create_base not possible with base image");
    }

    @Test
    void refusesWhatIsNoImage() {
        Failing.isRefused(
                () -> plugin.createBase(storage, new VolumeName("iso/a.iso")),
                StorageError.NOT_SUPPORTED,
                "create_base on wrong vtype 'iso'");
        Failing.isRefused(
                () -> plugin.cloneImage(storage, new VolumeName("iso/a.iso"), CLONER, null),
                StorageError.NOT_SUPPORTED,
                "clone_image on wrong vtype 'iso'");
        Failing.isRefused(
                () -> plugin.createBase(storage, new VolumeName("100/vm-100-disk-0.raw")),
                StorageError.NOT_FOUND,
                "does not exist");
    }

    @Test
    void refusesAnImageThatIsNotBasedOnWhatItsNameSays() {
        Qemu.create(guest, "-f", "qcow2", "vm-100-disk-0.qcow2", "1M");

        Failing.isRefused(
                () -> plugin.createBase(storage, new VolumeName("9000/base-9000-disk-0.raw/100/vm-100-disk-0.qcow2")),
                StorageError.INVALID_NAME,
                "contains wrong information about parent: the image is based on nothing");
    }

    @ParameterizedTest
    @ValueSource(strings = {"vm-100-disk-0.raw", "kept.raw"})
    void neverReplacesAFile(String name) throws IOException {
        Files.writeString(guest.resolve(name), "new");
        Files.writeString(guest.resolve("base-100-disk-0.raw"), "old");

        Failing.fails(
                () -> plugin.createBase(storage, new VolumeName("100/" + name)),
                StorageError.ALREADY_EXISTS,
                Outcome.FAILED_CLEAN,
                "already exists");

        assertThat(guest.resolve(name)).hasContent("new");
        assertThat(guest.resolve("base-100-disk-0.raw")).hasContent("old");
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2", "vmdk"})
    void clonesABaseImageOfAnyFormat(String format) throws IOException {
        VolumeName base = base(format);

        VolumeName clone = clone(base);

        assertThat(clone.value()).isEqualTo(base + "/101/vm-101-disk-0.qcow2");
        Qemu.Info info = Qemu.info(directory.resolve("images/101/vm-101-disk-0.qcow2"), "qcow2");
        assertThat(info.backingFile()).isEqualTo("../100/base-100-disk-0." + format);
        assertThat(info.backingFormat()).isEqualTo(format);
        assertThat(info.virtualSize()).isEqualTo(4 << 20);
        assertThat(plugin.listImages(storage, new ImageFilter.OfGuest(CLONER), OperationCache.create()))
                .extracting(image -> image.volid().volume())
                .containsExactly(clone);
        assertThat(plugin.volumeSizeInfo(storage, clone, null).parent()).isEqualTo(info.backingFile());
        assertThat(directory.resolve("images/101")).isDirectoryContaining("glob:**/vm-101-disk-0.qcow2");
    }

    @Test
    void readsInACloneWhatIsInItsBase() throws IOException {
        Qemu.create(guest, "-f", "raw", "vm-100-disk-0.raw", "4M");
        Qemu.fill(guest.resolve("vm-100-disk-0.raw"), "raw", 7);
        VolumeName base = plugin.createBase(storage, new VolumeName("100/vm-100-disk-0.raw"));

        clone(base);

        assertThat(Qemu.isFilled(directory.resolve("images/101/vm-101-disk-0.qcow2"), "qcow2", 7))
                .isTrue();
    }

    @Test
    void choosesAFreeNameForEachClone() throws IOException {
        VolumeName base = base("qcow2");

        assertThat(clone(base).value()).endsWith("/101/vm-101-disk-0.qcow2");
        assertThat(clone(base).value()).endsWith("/101/vm-101-disk-1.qcow2");
    }

    @Test
    void clonesOnlyBaseImagesAsTheyAre() throws IOException {
        Qemu.create(guest, "-f", "qcow2", "vm-100-disk-9.qcow2", "1M");
        Files.createDirectory(guest.resolve("base-100-disk-8.subvol"));
        VolumeName base = base("qcow2");

        Failing.isRefused(
                () -> clone(new VolumeName("100/vm-100-disk-9.qcow2")),
                StorageError.NOT_SUPPORTED,
                "clone_image only works on base images");
        Failing.isRefused(
                () -> clone(new VolumeName("100/base-100-disk-8.subvol")),
                StorageError.NOT_SUPPORTED,
                "does not support clone_image on subvol");
        Failing.isRefused(
                () -> plugin.cloneImage(storage, base, CLONER, new SnapshotName("one")),
                StorageError.NOT_SUPPORTED,
                "this storage type does not support clone_image on snapshot");
        Failing.isRefused(
                () -> clone(new VolumeName("100/base-100-disk-7.raw")), StorageError.NOT_FOUND, "does not exist");
        assertThat(directory.resolve("images/101")).doesNotExist();
    }

    @Test
    void refusesToCloneABaseThatLeadsOutOfTheStorage(@TempDir Path elsewhere) throws IOException {
        Path secret = Files.write(elsewhere.resolve("secret.raw"), new byte[1024]);
        Files.createSymbolicLink(guest.resolve("base-100-disk-0.raw"), secret);

        Failing.isRefused(
                () -> clone(new VolumeName("100/base-100-disk-0.raw")), StorageError.UNSAFE_IMAGE, secret.toString());
        Files.delete(guest.resolve("base-100-disk-0.raw"));
    }

    @Test
    void leavesNothingOfACloneThatCannotBeMade() throws IOException {
        VolumeName base = base("raw");
        Path images = Files.createFile(directory.resolve("images/101"));

        Failing.fails(
                () -> clone(base), StorageError.STORAGE_UNAVAILABLE, Outcome.FAILED_CLEAN, "unable to create image");

        assertThat(images).isEmptyFile();
    }

    private VolumeName base(String format) throws IOException {
        Qemu.create(guest, "-f", format, "vm-100-disk-0." + format, "4M");
        return plugin.createBase(storage, new VolumeName("100/vm-100-disk-0." + format));
    }

    private VolumeName clone(VolumeName base) {
        return plugin.cloneImage(storage, base, CLONER, null);
    }

    @Test
    void aBaseStaysWhileASnapshotOfACloneNeedsIt() {
        Storage chain = Storages.at(directory, "snapshot-as-volume-chain", "1");
        Qemu.create(guest, "-f", "qcow2", "vm-100-disk-0.qcow2", "1M");
        VolumeName base = plugin.createBase(chain, new VolumeName("100/vm-100-disk-0.qcow2"));
        VolumeName clone = plugin.cloneImage(chain, base, CLONER, null);
        plugin.snapshotVolume(chain, clone, new SnapshotName("before"));

        assertThat(plugin.listImages(chain, ImageFilter.all(), OperationCache.create()))
                .extracting(image -> image.volid().volume().value())
                .containsExactly("100/base-100-disk-0.qcow2", "101/vm-101-disk-0.qcow2");
        Failing.isRefused(
                () -> plugin.freeImage(chain, base, true, null),
                StorageError.IN_USE,
                "base volume '100/base-100-disk-0.qcow2' is still in use by linked clones");
        plugin.freeImage(chain, new VolumeName("101/vm-101-disk-0.qcow2"), false, null);
        plugin.freeImage(chain, base, true, null);
        assertThat(plugin.listImages(chain, ImageFilter.all(), OperationCache.create()))
                .isEmpty();
    }
}

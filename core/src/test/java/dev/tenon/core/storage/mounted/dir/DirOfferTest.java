package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the type offers: features, formats, streams, and how QEMU opens its volumes. */
class DirOfferTest {
    private static final SnapshotName ONE = new SnapshotName("one");
    private static final VolumeName DISK = new VolumeName("100/vm-100-disk-0.qcow2");

    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();
    private Storage storage = Storages.at(Path.of("/unset"));

    @BeforeEach
    void makeStorage() {
        storage = Storages.at(directory);
    }

    @ParameterizedTest
    @CsvSource({
        "SNAPSHOT, , qcow2, qcow2",
        "CLONE, qcow2 raw vmdk, , ",
        "TEMPLATE, , qcow2 raw vmdk subvol, ",
        "COPY, qcow2 raw vmdk, qcow2 raw vmdk, qcow2",
        "SPARSEINIT, qcow2 raw vmdk, qcow2 raw vmdk, ",
        "RENAME, , qcow2 raw vmdk, ",
        "REPLICATE, , , "
    })
    void offersWhatPvesBaseClassOffers(
            Feature feature, @Nullable String base, @Nullable String current, @Nullable String snapshot) {
        for (String format : List.of("qcow2", "raw", "vmdk", "subvol")) {
            VolumeName volume = new VolumeName("100/vm-100-disk-0." + format);
            VolumeName baseVolume = new VolumeName("100/base-100-disk-0." + format);

            assertThat(has(feature, baseVolume, null)).as(format).isEqualTo(lists(base, format));
            assertThat(has(feature, volume, null)).as(format).isEqualTo(lists(current, format));
            assertThat(has(feature, volume, ONE)).as(format).isEqualTo(lists(snapshot, format));
            assertThat(has(feature, baseVolume, ONE)).as(format).isEqualTo(lists(snapshot, format));
        }
    }

    private boolean has(Feature feature, VolumeName volume, @Nullable SnapshotName snapshot) {
        return plugin.hasFeature(storage, feature, volume, snapshot, false, null);
    }

    private static boolean lists(@Nullable String formats, String format) {
        return formats != null && List.of(formats.split(" ", -1)).contains(format);
    }

    @Test
    void offersLinkedClonesOnlyToThoseWhoTakeQcow2() {
        VolumeName base = new VolumeName("100/base-100-disk-0.raw");

        assertThat(plugin.hasFeature(
                        storage, Feature.CLONE, base, null, false, Set.of(Format.Image.RAW, Format.Image.SUBVOL)))
                .isFalse();
        assertThat(plugin.hasFeature(
                        storage, Feature.CLONE, base, null, false, Set.of(Format.Image.RAW, Format.Image.QCOW2)))
                .isTrue();
        assertThat(plugin.hasFeature(storage, Feature.COPY, base, null, false, Set.of(Format.Image.RAW)))
                .isTrue();
    }

    @Test
    void takesAllFormatsAndPrefersTheConfiguredOne() {
        Set<Format> all = Set.of(Format.Image.values());

        assertThat(plugin.formats(storage)).isEqualTo(new Formats(Format.Image.RAW, all));
        assertThat(plugin.formats(Storages.at(directory, "format", "qcow2")))
                .isEqualTo(new Formats(Format.Image.QCOW2, all));
        assertThat(plugin.formats(Storages.at(directory, "format", "qed")))
                .isEqualTo(new Formats(Format.Image.RAW, all));
    }

    @ParameterizedTest
    @CsvSource({
        "100/a.raw, raw+size, ",
        "100/a.qcow2, raw+size, qcow2+size",
        "100/a.vmdk, raw+size, vmdk+size",
        "100/a.subvol, tar+size, ",
        "iso/a.iso, raw+size, ",
        "vztmpl/a.tar.gz, raw+size, ",
        "snippets/a, raw+size, ",
        "import/a.ova, raw+size, ",
        "import/a.qcow2, raw+size, qcow2+size",
        "import/a.ova/b.vmdk, , ",
        "backup/a.tgz, , "
    })
    void sendsAndTakesVolumesAsStreams(String name, @Nullable String plain, @Nullable String withSnapshots) {
        VolumeName volume = new VolumeName(name);
        Transfer asItIs = new Transfer(null, null, false);
        Transfer whole = new Transfer(null, null, true);

        assertThat(plugin.exportFormats(storage, volume, asItIs)).isEqualTo(list(plain));
        assertThat(plugin.importFormats(storage, volume, asItIs)).isEqualTo(list(plain));
        assertThat(plugin.exportFormats(storage, volume, whole)).isEqualTo(list(withSnapshots));
        assertThat(plugin.importFormats(storage, volume, whole)).isEqualTo(list(withSnapshots));
    }

    private static List<String> list(@Nullable String word) {
        return word == null ? List.of() : List.of(word);
    }

    @Test
    void sendsNoSnapshotsAndNothingThatBuildsOnThem() {
        Storage chains = Storages.at(directory, "snapshot-as-volume-chain", "1");
        Storage pathless = Storages.with(Map.of());

        assertThat(plugin.exportFormats(storage, DISK, new Transfer(ONE, null, false)))
                .isEmpty();
        assertThat(plugin.exportFormats(storage, DISK, new Transfer(null, ONE, false)))
                .isEmpty();
        assertThat(plugin.importFormats(storage, DISK, new Transfer(ONE, null, false)))
                .containsExactly("raw+size");
        assertThat(plugin.importFormats(storage, DISK, new Transfer(null, ONE, false)))
                .isEmpty();
        assertThat(plugin.exportFormats(chains, DISK, new Transfer(null, null, true)))
                .isEmpty();
        assertThat(plugin.exportFormats(pathless, DISK, new Transfer(null, null, false)))
                .isEmpty();
    }

    @Test
    void letsQemuOpenAFileOrADevice() throws IOException {
        Path guest = Files.createDirectories(directory.resolve("images/100"));
        Path disk = Files.createFile(guest.resolve("vm-100-disk-0.qcow2"));

        assertThat(blockdev(storage, DISK, null)).isEqualTo(Map.of("driver", "file", "filename", disk.toString()));

        Path device = Files.createSymbolicLink(guest.resolve("a.raw"), Path.of("/dev/null"));
        Failing.isRefused(
                () -> blockdev(storage, new VolumeName("100/a.raw"), null), StorageError.UNSAFE_IMAGE, "/dev/null");
        Files.delete(device);
    }

    @Test
    void letsQemuOpenASnapshotThatIsAFile() {
        Path guest = directory.resolve("images/100");
        Storage chains = Storages.at(directory, "snapshot-as-volume-chain", "1");
        guest.toFile().mkdirs();
        Qemu.create(guest, "-f", "qcow2", "vm-100-disk-0.qcow2", "1M");
        plugin.snapshotVolume(chains, DISK, ONE);

        assertThat(blockdev(chains, DISK, ONE))
                .isEqualTo(Map.of("driver", "file", "filename", guest + "/snap-one-vm-100-disk-0.qcow2"));
        assertThat(blockdev(chains, DISK, new SnapshotName("current")))
                .isEqualTo(Map.of("driver", "file", "filename", guest + "/vm-100-disk-0.qcow2"));
        Failing.isRefused(
                () -> blockdev(storage, DISK, ONE), StorageError.NOT_SUPPORTED, "QEMU cannot open snapshot 'one'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"100/vm-100-disk-0.qcow2", "iso/a.iso"})
    void refusesWhatIsNotThere(String volume) {
        Failing.isRefused(
                () -> blockdev(storage, new VolumeName(volume), null), StorageError.NOT_FOUND, "does not exist");
    }

    @Test
    void refusesADirectory() throws IOException {
        Files.createDirectories(directory.resolve("images/100/a.subvol"));

        Failing.isRefused(
                () -> blockdev(storage, new VolumeName("100/a.subvol"), null),
                StorageError.NOT_SUPPORTED,
                "is neither a file nor a device");
    }

    private Map<String, Object> blockdev(Storage where, VolumeName volume, @Nullable SnapshotName snapshot) {
        return plugin.blockdevOptions(where, volume, new BlockdevQuery(null, snapshot, Hints.NONE));
    }
}

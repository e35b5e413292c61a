package dev.tenon.core.storage.directory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The base as such: paths, directories, and that it calls itself through the plugin it serves. The file is long because the
 * base has so many methods.
 */
class InheritedBaseTest {
    private static final PluginData DATA = new PluginData(
            Set.of("images"), Set.of("images"), Set.of("raw", "qcow2"), "raw", null, Set.of(), false, Map.of());
    private static final OperationCache CACHE = OperationCache.create();
    private static final BlockdevQuery QUERY = new BlockdevQuery(null, null, Hints.NONE);
    private static final VolumeName DISK = new VolumeName("100/vm-100-disk-0.qcow2");

    @TempDir
    Path directory;

    private final Map<String, Function<Object[], Object>> overrides = new HashMap<>();
    private final List<String> called = new ArrayList<>();

    @Test
    void hasNoTypeAndDeclaresNothing() {
        DirectoryPlugin base = base();

        assertThatThrownBy(base::type)
                .isInstanceOf(StorageException.class)
                .hasMessage("a plugin must say its own type");
        assertThat(base.properties()).isEmpty();
        assertThat(base.options()).isEmpty();
        assertThat(base.pluginData().content()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "IMAGES, images",
        "ROOTDIR, private",
        "ISO, template/iso",
        "VZTMPL, template/cache",
        "BACKUP, dump",
        "SNIPPETS, snippets",
        "IMPORT, import"
    })
    void keepsContentInTheUsualDirectories(ContentType type, String expected) {
        assertThat(base().getSubdir(Storages.at(Path.of("/srv/x")), type)).isEqualTo("/srv/x/" + expected);
    }

    @Test
    void keepsContentWhereTheConfigurationSays() {
        Storage asText = Storages.at(Path.of("/srv"), "content-dirs", "images=disks/all,iso=isos");
        Storage asMap = Storages.with(Map.of("path", "/srv", "content-dirs", Map.of("images", "disks")));

        assertThat(base().getSubdir(asText, ContentType.IMAGES)).isEqualTo("/srv/disks/all");
        assertThat(base().getSubdir(asMap, ContentType.IMAGES)).isEqualTo("/srv/disks");
        assertThat(base().getSubdir(asMap, ContentType.ISO)).isEqualTo("/srv/template/iso");
    }

    @Test
    void refusesADirectoryOutsideTheStorage() {
        Storage storage = Storages.at(Path.of("/srv"), "content-dirs", "images=../etc");

        assertThatThrownBy(() -> base().getSubdir(storage, ContentType.IMAGES)).hasMessageContaining("'../etc'");
    }

    @Test
    void refusesAStorageWithoutAnAbsolutePath() {
        assertThatThrownBy(() -> base().getSubdir(Storages.with(Map.of()), ContentType.IMAGES))
                .hasMessage("storage definition has no path");
        assertThatThrownBy(() -> base().getSubdir(Storages.with(Map.of("path", "srv")), ContentType.IMAGES))
                .hasMessage("illegal path for directory storage: 'srv'");
        assertThatThrownBy(() -> base().getSubdir(Storages.at(Path.of("/srv")), ContentType.NONE))
                .hasMessage("unknown vtype 'none'");
    }

    @ParameterizedTest
    @CsvSource({
        "100/vm-100-disk-0.raw, /srv/images/100/vm-100-disk-0.raw, 100, IMAGES",
        "100/base-100-disk-0.raw/101/vm-101-disk-0.qcow2, /srv/images/101/vm-101-disk-0.qcow2, 101, IMAGES",
        "iso/a.iso, /srv/template/iso/a.iso,, ISO",
        "backup/vzdump-qemu-100-x.vma, /srv/dump/vzdump-qemu-100-x.vma, 100, BACKUP",
        "import/a.ova/b.vmdk, /srv/import/a.ova/b.vmdk,, IMPORT"
    })
    void putsVolumesIntoTheirDirectories(String volume, String path, @Nullable Long owner, ContentType type) {
        assertThat(base().path(Storages.at(Path.of("/srv")), new VolumeName(volume), null))
                .isEqualTo(new VolumePath(path, owner == null ? null : new Vmid(owner), type));
    }

    @Test
    void putsASnapshotIntoTheImageOrBesideIt() {
        SnapshotName snapshot = new SnapshotName("one");
        Storage inside = Storages.at(Path.of("/srv"));
        Storage beside = Storages.at(Path.of("/srv"), "snapshot-as-volume-chain", "1");

        assertThat(base().path(inside, DISK, snapshot).path()).isEqualTo("/srv/images/100/vm-100-disk-0.qcow2");
        assertThat(base().path(beside, DISK, snapshot).path())
                .isEqualTo("/srv/images/100/snap-one-vm-100-disk-0.qcow2");
        assertThat(base().path(beside, DISK, new SnapshotName("current")).path())
                .isEqualTo("/srv/images/100/vm-100-disk-0.qcow2");
    }

    @Test
    void refusesASnapshotOfARawImage() {
        assertThatThrownBy(() ->
                        base().path(Storages.at(Path.of("/srv")), new VolumeName("100/a.raw"), new SnapshotName("one")))
                .hasMessageContaining("can't snapshot this image format");
    }

    @Test
    void asksThePluginItServesForAPath() {
        overrides.put("getSubdir", arguments -> "/elsewhere");
        InheritedBase base = served();

        assertThat(base.path(Storages.at(directory), DISK, null).path())
                .isEqualTo("/elsewhere/100/vm-100-disk-0.qcow2");
        assertThat(called).containsExactly("filesystemPath", "parseVolname", "getSubdir");
    }

    @Test
    void asksThePluginItServesForAListing() throws IOException {
        Path elsewhere = Files.createDirectories(directory.resolve("elsewhere/100"));
        Files.createFile(elsewhere.resolve("vm-100-disk-0.raw"));
        Files.createFile(elsewhere.resolve("vm-100-disk-1.vmdk"));
        overrides.put("getSubdir", arguments -> directory.resolve("elsewhere").toString());
        overrides.put("pluginData", arguments -> DATA);
        InheritedBase base = served();

        assertThat(base.listImages(Storages.at(directory), ImageFilter.all(), CACHE))
                .extracting(image -> image.volid().volume().value())
                .containsExactly("100/vm-100-disk-0.raw");
        assertThat(called).containsOnly("getSubdir", "pluginData");
    }

    @Test
    void asksThePluginItServesForAFreeName() {
        overrides.put("pluginData", arguments -> DATA);
        overrides.put(
                "listImages",
                arguments -> List.of(new VolumeInfo(
                        Storages.volume("100/vm-100-disk-0.raw"),
                        Format.Image.RAW,
                        null,
                        null,
                        null,
                        null,
                        null,
                        Map.of())));
        InheritedBase base = served();

        assertThat(base.findFreeDiskname(Storages.at(directory), new Vmid(100), Format.Image.RAW, true))
                .isEqualTo("vm-100-disk-1.raw");
        assertThat(called).contains("listImages");
    }

    @Test
    void asksThePluginItServesWhenItAllocatesAndFrees() throws IOException {
        overrides.put("findFreeDiskname", arguments -> "chosen.raw");
        overrides.put("getSubdir", arguments -> directory.resolve("elsewhere").toString());
        InheritedBase base = served();
        Storage storage = Storages.at(directory);

        VolumeName volume = base.allocImage(storage, new Vmid(100), Format.Image.RAW, null, ByteSize.ofKib(4));

        assertThat(volume.value()).isEqualTo("100/chosen.raw");
        assertThat(directory.resolve("elsewhere/100/chosen.raw")).hasSize(4096);
        assertThat(called).contains("findFreeDiskname", "getSubdir");

        called.clear();
        Path moved = Files.move(directory.resolve("elsewhere/100/chosen.raw"), directory.resolve("elsewhere/x"));
        overrides.put("filesystemPath", arguments -> new VolumePath(moved.toString(), null, null));
        base.freeImage(storage, volume, false, null);
        assertThat(moved).doesNotExist();
        assertThat(called).contains("filesystemPath", "parseVolname");
    }

    @Test
    void asksThePluginItServesForSizeAndActivation() {
        Qemu.create(directory, "-f", "qcow2", "odd name", "7M");
        VolumeName volume = new VolumeName("whatever");
        overrides.put(
                "parseVolname",
                arguments -> new ParsedVolume.GuestImage("odd", new Vmid(100), null, false, Format.Image.QCOW2));
        overrides.put(
                "filesystemPath",
                arguments -> new VolumePath(directory.resolve("odd name").toString(), null, null));
        InheritedBase base = served();
        Storage storage = Storages.at(directory);

        assertThat(base.volumeSizeInfo(storage, volume, null).size()).isEqualTo(ByteSize.ofKib(7 * 1024));
        base.activateVolume(storage, volume, null, CACHE, Hints.NONE);
        assertThat(called).contains("path", "filesystemPath", "parseVolname");
    }

    @Test
    void activatesOnlyABlockDeviceIfTheStorageHasNoPath() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        overrides.put("path", arguments -> new VolumePath(file.toString(), null, null));
        InheritedBase base = served();
        Storage storage = Storages.with(Map.of());

        assertThatThrownBy(() -> base.activateVolume(storage, DISK, null, CACHE, Hints.NONE))
                .hasMessage("volume 'store:" + DISK + "' does not exist");
    }

    @Test
    void refusesToActivateWhatIsNoFile() {
        overrides.put("path", arguments -> new VolumePath("rbd:pool/image", null, null));

        assertThatThrownBy(() -> served().activateVolume(Storages.at(directory), DISK, null, CACHE, Hints.NONE))
                .hasMessageContaining("does not exist");
    }

    @Test
    void asksThePluginItServesForItsFormats() {
        overrides.put("pluginData", arguments -> DATA);

        assertThat(served().formats(Storages.at(directory, "format", "qcow2")))
                .isEqualTo(new Formats(Format.Image.QCOW2, Set.of(Format.Image.RAW, Format.Image.QCOW2)));
        assertThat(base().formats(Storages.at(directory)))
                .isEqualTo(new Formats(Format.Image.RAW, Set.of(Format.Image.RAW)));
    }

    @Test
    void namesThePluginItServesWhenItRefuses() {
        overrides.put("type", arguments -> "mine");

        Failing.isRefused(
                () -> served().identity(Storages.at(directory)),
                StorageError.NOT_SUPPORTED,
                "get_identity is not implemented for storage type 'mine'");
        Failing.isRefused(
                () -> served().lockStorage(new StorageId("store"), true, null, () -> {}),
                StorageError.NOT_SUPPORTED,
                "cluster_lock_storage is not implemented for storage type 'mine'");
    }

    @Test
    void keepsNoNotesUnlessTheTypeDoes() throws IOException {
        Files.createDirectories(directory.resolve("dump"));
        Files.createFile(directory.resolve("dump/a.tgz"));
        VolumeName backup = new VolumeName("backup/a.tgz");
        Storage storage = Storages.at(directory);

        for (VolumeAttribute attribute : VolumeAttribute.values()) {
            assertThat(base().attribute(storage, backup, attribute)).isEmpty();
            Failing.isRefused(
                    () -> base().updateAttribute(storage, backup, attribute, "1"),
                    StorageError.NOT_SUPPORTED,
                    "attribute '" + attribute.word() + "' is not supported for storage type 'dir'");
        }
    }

    @Test
    void asksThePluginItServesWhetherAVolumeIsProtected() throws IOException {
        Path disk = Files.createDirectories(directory.resolve("images/100")).resolve("vm-100-disk-0.qcow2");
        Files.createFile(disk);
        overrides.put("attribute", arguments -> Optional.of("1"));

        Failing.isRefused(
                () -> served().freeImage(Storages.at(directory), DISK, false, null),
                StorageError.PERMISSION_DENIED,
                "cannot remove protected volume '" + DISK + "' on 'store'");

        overrides.put("attribute", arguments -> Optional.of("0"));
        served().freeImage(Storages.at(directory), DISK, false, null);
        assertThat(disk).doesNotExist();
    }

    @Test
    void asksThePluginItServesWhenItListsVolumes() throws IOException {
        Path elsewhere = Files.createDirectories(directory.resolve("elsewhere"));
        Files.createFile(elsewhere.resolve("a.iso"));
        VolumeInfo image = new VolumeInfo(
                Storages.volume("odd"), Format.Image.RAW, null, new Vmid(100), null, null, null, Map.of());
        overrides.put("listImages", arguments -> List.of(image));
        overrides.put("getSubdir", arguments -> elsewhere.toString());

        assertThat(served().listVolumes(Storages.at(directory), null, Set.of(ContentType.IMAGES, ContentType.ISO)))
                .extracting(volume -> volume.volume().volid().volume().value())
                .containsExactly("odd", "iso/a.iso");
        assertThat(served().listVolumes(Storages.with(Map.of()), null, Set.of(ContentType.IMAGES, ContentType.ISO)))
                .containsExactly(new ListedVolume(image, ContentType.IMAGES, null, null, false));
    }

    @Test
    void asksThePluginItServesWhenItPrunes() throws IOException {
        Path file = Files.createFile(directory.resolve("vzdump-qemu-100-2024_03_04-10_00_00.vma"));
        Files.createFile(directory.resolve(file.getFileName() + ".notes"));
        overrides.put(
                "listVolumes",
                arguments -> List.of(
                        backup("backup/" + file.getFileName()),
                        backup("backup/vzdump-qemu-100-2024_03_05-10_00_00.vma")));
        overrides.put("filesystemPath", arguments -> new VolumePath(file.toString(), null, null));

        served().pruneBackups(
                        Storages.at(directory),
                        new Retention(Map.of("keep-last", 1L)),
                        new BackupSelection(null, null),
                        false,
                        (_, _) -> {});

        assertThat(directory).isEmptyDirectory();
        assertThat(called).contains("listVolumes", "filesystemPath", "parseVolname");
    }

    private static ListedVolume backup(String name) {
        VolumeInfo info = new VolumeInfo(
                Storages.volume(name), Format.ofWord("vma"), null, new Vmid(100), null, null, null, Map.of());
        return new ListedVolume(info, ContentType.BACKUP, "qemu", null, false);
    }

    @Test
    void asksThePluginItServesForTheNamesOfClonesAndRenamedImages() throws IOException {
        Path images = Files.createDirectories(directory.resolve("images"));
        Qemu.create(Files.createDirectories(images.resolve("100")), "-f", "raw", "base-100-disk-0.raw", "1M");
        Files.createFile(images.resolve("100/vm-100-disk-1.raw"));
        overrides.put("findFreeDiskname", arguments -> arguments[2] == Format.Image.RAW ? "a.raw" : "a.qcow2");
        InheritedBase base = served();
        Storage storage = Storages.at(directory);

        assertThat(base.cloneImage(storage, new VolumeName("100/base-100-disk-0.raw"), new Vmid(101), null)
                        .value())
                .isEqualTo("100/base-100-disk-0.raw/101/a.qcow2");
        assertThat(base.renameVolume(storage, new VolumeName("100/vm-100-disk-1.raw"), new Vmid(102), null))
                .isEqualTo(Storages.volume("102/a.raw"));
        assertThat(called).contains("findFreeDiskname", "filesystemPath");
    }

    @Test
    void deactivatesAVolumeBeforeItDeletesASnapshot() throws IOException {
        Path guest = Files.createDirectories(directory.resolve("images/100"));
        Qemu.create(guest, "-f", "qcow2", "vm-100-disk-0.qcow2", "1M");
        InheritedBase base = served();
        SnapshotName one = new SnapshotName("one");
        base.snapshotVolume(Storages.at(directory), DISK, one);

        base.deleteSnapshot(Storages.at(directory), DISK, one, false);

        assertThat(called).contains("deactivateVolume");
        assertThat(base.snapshots(Storages.at(directory), DISK)).isEmpty();
    }

    @Test
    void putsAnImageBackIfItsPlaceIsTaken() throws IOException {
        Path guest = Files.createDirectories(directory.resolve("images/100"));
        Path disk = guest.resolve("vm-100-disk-0.qcow2");
        Path snapshot = guest.resolve("snap-one-vm-100-disk-0.qcow2");
        Qemu.create(guest, "-f", "qcow2", "vm-100-disk-0.qcow2", "1M");
        Storage storage = Storages.at(directory, "snapshot-as-volume-chain", "1");
        overrides.put("renameSnapshot", arguments -> {
            if (Files.exists(snapshot)) {
                move(snapshot, disk);
            } else {
                move(disk, snapshot);
                Qemu.run(guest, List.of("touch", disk.toString()));
            }
            return List.of();
        });

        Failing.fails(
                () -> served().snapshotVolume(storage, DISK, new SnapshotName("one")),
                StorageError.ALREADY_EXISTS,
                Outcome.FAILED_CLEAN,
                "unable to put a new image in the place of '");

        assertThat(guest).isDirectoryContaining("glob:**/vm-100-disk-0.qcow2");
        assertThat(Qemu.info(disk, "qcow2").virtualSize()).isEqualTo(1 << 20);
        assertThat(snapshot).doesNotExist();
    }

    private static void move(Path from, Path to) {
        try {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void saysThatAnImageIsLeftAsASnapshot() throws IOException {
        Path guest = Files.createDirectories(directory.resolve("images/100"));
        Path disk = guest.resolve("vm-100-disk-0.qcow2");
        Qemu.create(guest, "-f", "qcow2", "vm-100-disk-0.qcow2", "1M");
        Storage storage = Storages.at(directory, "snapshot-as-volume-chain", "1");
        overrides.put("renameSnapshot", arguments -> {
            if (arguments[2].equals(new SnapshotName("one"))) {
                throw new StorageException(StorageError.STORAGE_UNAVAILABLE, Outcome.NOT_STARTED, "not today");
            }
            move(disk, guest.resolve("snap-one-vm-100-disk-0.qcow2"));
            Qemu.run(guest, List.of("touch", disk.toString()));
            return List.of();
        });

        Failing.fails(
                () -> served().snapshotVolume(storage, DISK, new SnapshotName("one")),
                StorageError.ALREADY_EXISTS,
                Outcome.UNKNOWN,
                "which now is snapshot 'one' and nothing else");
    }

    @Test
    void passesARefusalToRenameTheImageOn() throws IOException {
        Path guest = Files.createDirectories(directory.resolve("images/100"));
        Qemu.create(guest, "-f", "qcow2", "vm-100-disk-0.qcow2", "1M");
        Storage storage = Storages.at(directory, "snapshot-as-volume-chain", "1");
        overrides.put("renameSnapshot", arguments -> {
            throw new StorageException(StorageError.STORAGE_UNAVAILABLE, Outcome.NOT_STARTED, "not today");
        });

        Failing.fails(
                () -> served().snapshotVolume(storage, DISK, new SnapshotName("one")),
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.FAILED_CLEAN,
                "not today");

        assertThat(guest).isDirectoryContaining("glob:**/vm-100-disk-0.qcow2");
        try (Stream<Path> files = Files.list(guest)) {
            assertThat(files).hasSize(1);
        }
    }

    @Test
    void rollsBackOnlyIfThePluginItServesAllowsIt() throws IOException {
        Path guest = Files.createDirectories(directory.resolve("images/100"));
        Qemu.create(guest, "-f", "qcow2", "vm-100-disk-0.qcow2", "1M");
        Storage storage = Storages.at(directory, "snapshot-as-volume-chain", "1");
        InheritedBase base = served();
        base.snapshotVolume(storage, DISK, new SnapshotName("one"));
        overrides.put("rollbackIsPossible", arguments -> new Rollback.Blocked("not now", List.of()));

        Failing.isRefused(() -> base.rollback(storage, DISK, new SnapshotName("one")), StorageError.IN_USE, "not now");
    }

    @Test
    void letsQemuOpenADeviceOfAStorageWithoutAPath() {
        overrides.put("path", arguments -> new VolumePath("/dev/null", null, null));

        assertThat(served().blockdevOptions(Storages.with(Map.of()), DISK, QUERY))
                .isEqualTo(Map.of("driver", "host_device", "filename", "/dev/null"));
        assertThat(served().mapVolume(Storages.with(Map.of()), DISK, null, Hints.NONE))
                .contains("/dev/null");
    }

    @Test
    void refusesToTellQemuHowToOpenAUri() {
        overrides.put("path", arguments -> new VolumePath("rbd:pool/image", null, null));

        Failing.isRefused(
                () -> served().blockdevOptions(Storages.with(Map.of()), DISK, QUERY),
                StorageError.NOT_SUPPORTED,
                "doesn't implement qemu_blockdev_options() method for 'rbd:pool/image'");
    }

    private static DirectoryPlugin base() {
        return new DirectoryPlugin() {};
    }

    /** The base behind a plugin that overrides some methods and leaves the rest to it, as a Perl plugin does. */
    private InheritedBase served() {
        AtomicReference<InheritedBase> base = new AtomicReference<>();
        StoragePlugin plugin = (StoragePlugin) Proxy.newProxyInstance(
                StoragePlugin.class.getClassLoader(),
                new Class<?>[] {StoragePlugin.class},
                (proxy, method, arguments) -> {
                    called.add(method.getName());
                    Function<Object[], Object> override = overrides.get(method.getName());
                    if (override != null) {
                        return override.apply(arguments);
                    }
                    try {
                        return method.invoke(base.get(), arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
        base.set(new InheritedBase(plugin));
        return base.get();
    }
}

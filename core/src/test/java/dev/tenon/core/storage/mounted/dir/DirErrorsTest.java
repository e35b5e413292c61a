package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import dev.tenon.core.testing.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a caller is told in each situation in which PVE's own plugins fail, and that nothing is changed then. */
class DirErrorsTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final BlockdevQuery QUERY = new BlockdevQuery(null, null, Hints.NONE);
    private static final ByteSize SIZE = ByteSize.ofKib(1024);
    private static final SnapshotName OLD = new SnapshotName("old");
    private static final SnapshotName NEW = new SnapshotName("new");
    private static final SnapshotName NONE = new SnapshotName("none");

    private static final String RAW = "100/vm-100-disk-0.raw";
    private static final String QCOW2 = "100/vm-100-disk-1.qcow2";
    private static final String VMDK = "100/vm-100-disk-2.vmdk";
    private static final String SUBVOL = "100/subvol-100-disk-3.subvol";
    private static final String CHAINED = "101/vm-101-disk-0.qcow2";
    private static final String BASE = "102/base-102-disk-0.raw";
    private static final String BACKUP = "backup/vzdump-qemu-100-2024_01_02-03_04_05.vma";

    @TempDir
    private static Path directory;

    @BeforeAll
    static void makeOneOfEach() throws IOException {
        Storage storage = Storages.at(directory);
        DirPlugin plugin = new DirPlugin();
        plugin.allocImage(storage, GUEST, Image.RAW, "vm-100-disk-0.raw", SIZE);
        plugin.allocImage(storage, GUEST, Image.RAW, "vm-100-disk-9.raw", SIZE);
        plugin.allocImage(storage, GUEST, Image.QCOW2, "vm-100-disk-1.qcow2", SIZE);
        plugin.allocImage(storage, GUEST, Image.VMDK, "vm-100-disk-2.vmdk", SIZE);
        plugin.allocImage(storage, GUEST, Image.SUBVOL, "subvol-100-disk-3.subvol", ByteSize.ofBytes(0));
        Storage chained = chained(storage);
        plugin.allocImage(chained, new Vmid(101), Image.QCOW2, "vm-101-disk-0.qcow2", SIZE);
        plugin.snapshotVolume(chained, new VolumeName(CHAINED), OLD);
        plugin.snapshotVolume(chained, new VolumeName(CHAINED), NEW);
        plugin.allocImage(storage, new Vmid(102), Image.RAW, "vm-102-disk-0.raw", SIZE);
        plugin.createBase(storage, new VolumeName("102/vm-102-disk-0.raw"));

        Path guest = directory.resolve("images/100");
        Files.createSymbolicLink(guest.resolve("link.raw"), Path.of("/etc/hostname"));
        Qemu.create(guest, "-f", "qcow2", "-o", "data_file=" + guest.resolve("data.raw"), "data.qcow2", "1M");
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", "../../../x.raw", "-F", "raw", "outside.qcow2", "1M");
        Files.writeString(guest.resolve("text.qcow2"), "no image");

        Path imports = Files.createDirectories(directory.resolve("import"));
        Qemu.create(imports, "-f", "qcow2", "-b", "../images/102/base-102-disk-0.raw", "-F", "raw", "backed.qcow2");
        Qemu.create(imports, "-f", "qcow2", "-o", "data_file=" + imports.resolve("data.raw"), "data.qcow2", "1M");
        Qemu.create(imports, "-f", "vmdk", "-o", "subformat=monolithicFlat", "flat.vmdk", "1M");
        Files.writeString(imports.resolve("text.qcow2"), "no image");
        Files.writeString(imports.resolve("text.ova"), "no archive");
        Files.createDirectories(directory.resolve("dump"));
        Files.createFile(directory.resolve("dump/" + BACKUP.substring("backup/".length())));
        plugin.updateAttribute(storage, new VolumeName(BACKUP), VolumeAttribute.PROTECTED, "1");
    }

    @AfterAll
    static void makeMutable() {
        new DirPlugin().freeImage(Storages.at(directory), new VolumeName(BASE), true, null);
    }

    private static Storage chained(Storage storage) {
        return Storages.at(Path.of(storage.config().text("path").orElseThrow()), "snapshot-as-volume-chain", "1");
    }

    interface Call {
        void on(DirPlugin plugin, Storage storage);
    }

    /** A situation and what is told of it. */
    record Situation(String name, Call call, StorageError error, Outcome outcome, String fragment) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Situation refused(String name, StorageError error, String fragment, Call call) {
        return new Situation(name, call, error, Outcome.NOT_STARTED, fragment);
    }

    private static VolumeName volume(String name) {
        return new VolumeName(name);
    }

    private static Call alloc(Format format, @Nullable String name, long kib) {
        return (plugin, storage) -> plugin.allocImage(storage, GUEST, format, name, ByteSize.ofKib(kib));
    }

    private static Call resize(String name) {
        return (plugin, storage) -> plugin.resizeVolume(storage, volume(name), ByteSize.ofKib(4096), false, null);
    }

    private static Call size(String name) {
        return (plugin, storage) -> plugin.volumeSizeInfo(storage, volume(name), null);
    }

    private static Call activate(String name) {
        return (plugin, storage) ->
                plugin.activateVolume(storage, volume(name), null, OperationCache.create(), Hints.NONE);
    }

    static Stream<Situation> situations() {
        StorageError bad = StorageError.INVALID_NAME;
        StorageError not = StorageError.NOT_SUPPORTED;
        StorageError missing = StorageError.NOT_FOUND;
        StorageError exists = StorageError.ALREADY_EXISTS;
        StorageError unsafe = StorageError.UNSAFE_IMAGE;
        return Stream.of(
                refused("a name of no kind", bad, "unable to parse directory volume name 'nonsense'", size("nonsense")),
                refused("no image's name", bad, "unable to parse volume filename 'x.img'", size("100/x.img")),
                refused("a snapshot", bad, "is a snapshot filename", size("101/snap-old-vm-101-disk-0.qcow2")),
                refused(
                        "another format's name",
                        bad,
                        "does not match requested format",
                        alloc(Image.RAW, "x.qcow2", 1)),
                refused("an unknown format", not, "unsupported format", alloc(Format.ofWord("qed"), null, 1)),
                refused("a quota", not, "does not support subvol quotas", alloc(Image.SUBVOL, null, 1)),
                refused("a taken name", exists, "already exists", alloc(Image.RAW, "vm-100-disk-0.raw", 1)),
                refused("a missing image", missing, "'store:100/x.raw' does not exist", size("100/x.raw")),
                refused("a missing image, activated", missing, "does not exist", activate("100/x.raw")),
                refused("a missing image, resized", missing, "does not exist", resize("100/x.raw")),
                refused(
                        "a missing image to be cloned",
                        missing,
                        "does not exist",
                        (plugin, storage) ->
                                plugin.cloneImage(storage, volume("102/base-102-disk-9.raw"), GUEST, null)),
                refused(
                        "a missing image for QEMU",
                        missing,
                        "does not exist",
                        (plugin, storage) -> plugin.blockdevOptions(storage, volume("100/x.raw"), QUERY)),
                refused(
                        "a base of an ISO",
                        not,
                        "create_base on wrong vtype 'iso'",
                        (plugin, storage) -> plugin.createBase(storage, volume("iso/x.iso"))),
                refused(
                        "a base of a base",
                        not,
                        "create_base not possible with base image",
                        (plugin, storage) -> plugin.createBase(storage, volume(BASE))),
                refused(
                        "a base with snapshots",
                        not,
                        "delete its snapshots first",
                        (plugin, storage) -> plugin.createBase(chained(storage), volume(CHAINED))),
                refused(
                        "a clone of no other's clone",
                        bad,
                        "wrong information about parent",
                        (plugin, storage) ->
                                plugin.createBase(storage, volume("102/base-102-disk-0.raw/100/vm-100-disk-1.qcow2"))),
                refused(
                        "a clone of no base",
                        not,
                        "clone_image only works on base images",
                        (plugin, storage) -> plugin.cloneImage(storage, volume(RAW), GUEST, null)),
                refused(
                        "a clone of a snapshot",
                        not,
                        "clone_image on snapshot",
                        (plugin, storage) -> plugin.cloneImage(storage, volume(BASE), GUEST, OLD)),
                refused(
                        "a clone of a directory",
                        not,
                        "clone_image on subvolumes",
                        (plugin, storage) -> plugin.cloneImage(storage, volume(SUBVOL), GUEST, null)),
                refused(
                        "a clone of an ISO",
                        not,
                        "clone_image on wrong vtype 'iso'",
                        (plugin, storage) -> plugin.cloneImage(storage, volume("iso/x.iso"), GUEST, null)),
                refused("a larger vmdk", not, "can't resize this image format", resize(VMDK)),
                refused("a larger directory", not, "can't resize this image format", resize(SUBVOL)),
                refused(
                        "a larger snapshot",
                        not,
                        "without 'snapshot-as-volume-chain'",
                        (plugin, storage) -> plugin.resizeVolume(storage, volume(QCOW2), SIZE, false, OLD)),
                refused(
                        "a snapshot of a raw image",
                        not,
                        "can't snapshot this image format",
                        (plugin, storage) -> plugin.snapshotVolume(storage, volume(RAW), NEW)),
                refused(
                        "a snapshot of a vmdk",
                        not,
                        "can't snapshot this image format",
                        (plugin, storage) -> plugin.snapshotVolume(storage, volume(VMDK), NEW)),
                refused(
                        "a snapshot of a directory",
                        not,
                        "can't snapshot this image format",
                        (plugin, storage) -> plugin.snapshotVolume(storage, volume(SUBVOL), NEW)),
                refused(
                        "the path of a snapshot",
                        not,
                        "can't snapshot this image format",
                        (plugin, storage) -> plugin.path(storage, volume(RAW), OLD)),
                refused(
                        "a snapshot's name twice",
                        exists,
                        "already exists",
                        (plugin, storage) -> plugin.snapshotVolume(chained(storage), volume(CHAINED), NEW)),
                refused(
                        "a missing snapshot, rolled back",
                        missing,
                        "'none' does not exist on",
                        (plugin, storage) -> plugin.rollback(storage, volume(QCOW2), NONE)),
                refused(
                        "a missing snapshot of a chain",
                        missing,
                        "'none' does not exist on",
                        (plugin, storage) -> plugin.rollback(chained(storage), volume(CHAINED), NONE)),
                refused(
                        "not the newest snapshot",
                        StorageError.IN_USE,
                        "'old' is not most recent snapshot on",
                        (plugin, storage) -> plugin.rollback(chained(storage), volume(CHAINED), OLD)),
                refused(
                        "a missing snapshot, deleted",
                        missing,
                        "'none' does not exist on",
                        (plugin, storage) -> plugin.deleteSnapshot(chained(storage), volume(CHAINED), NONE, false)),
                new Situation(
                        "a snapshot's new name that is taken",
                        (plugin, storage) -> plugin.renameSnapshot(chained(storage), volume(CHAINED), OLD, NEW),
                        exists,
                        Outcome.FAILED_CLEAN,
                        "'new' already exists"),
                refused(
                        "another guest's new name",
                        bad,
                        "the name is not of guest 103",
                        (plugin, storage) -> plugin.renameVolume(
                                storage, volume(RAW), new Vmid(103), volume("100/vm-100-disk-8.raw"))),
                new Situation(
                        "a new name that is taken",
                        (plugin, storage) ->
                                plugin.renameVolume(storage, volume(RAW), null, volume("100/vm-100-disk-9.raw")),
                        exists,
                        Outcome.FAILED_CLEAN,
                        "target volume 'vm-100-disk-9.raw' already exists"),
                refused(
                        "a backup's new name",
                        not,
                        "rename_volume on wrong vtype 'backup'",
                        (plugin, storage) -> plugin.renameVolume(storage, volume(BACKUP), GUEST, null)),
                refused(
                        "a protected backup",
                        StorageError.PERMISSION_DENIED,
                        "cannot remove protected volume",
                        (plugin, storage) -> plugin.freeImage(storage, volume(BACKUP), false, null)),
                refused(
                        "notes of an image",
                        not,
                        "only backups support attribute 'notes'",
                        (plugin, storage) -> plugin.updateAttribute(storage, volume(RAW), VolumeAttribute.NOTES, "x")),
                refused(
                        "notes of a missing backup",
                        missing,
                        "does not exist",
                        (plugin, storage) ->
                                plugin.updateAttribute(storage, volume("backup/x.tar"), VolumeAttribute.NOTES, "x")),
                refused(
                        "a directory for QEMU",
                        not,
                        "neither a file nor a device",
                        (plugin, storage) -> plugin.blockdevOptions(storage, volume(SUBVOL), QUERY)),
                refused(
                        "a missing storage",
                        StorageError.STORAGE_UNAVAILABLE,
                        "unable to activate storage 'store'",
                        (plugin, storage) -> plugin.activateStorage(
                                Storages.at(Path.of("/nowhere/x"), "create-base-path", "0"), OperationCache.create())),
                refused(
                        "no mount point",
                        StorageError.STORAGE_UNAVAILABLE,
                        "unable to activate storage 'store'",
                        (plugin, storage) -> plugin.activateStorage(
                                Storages.at(Path.of("/etc"), "is_mountpoint", "1"), OperationCache.create())),
                refused(
                        "two kinds in one directory",
                        StorageError.BAD_CONFIG,
                        "for multiple content types",
                        (plugin, storage) -> plugin.activateStorage(
                                Storages.at(
                                        Path.of("/"),
                                        "content",
                                        "iso,vztmpl",
                                        "create-subdirs",
                                        "0",
                                        "content-dirs",
                                        "iso=etc,vztmpl=etc"),
                                OperationCache.create())),
                refused(
                        "a directory that leads out",
                        StorageError.BAD_CONFIG,
                        "illegal directory '../x'",
                        (plugin, storage) -> plugin.activateStorage(
                                Storages.at(Path.of("/"), "content", "iso", "content-dirs", "iso=../x"),
                                OperationCache.create())),
                refused("a link out of the storage", unsafe, "leads to '/etc/hostname'", size("100/link.raw")),
                refused(
                        "a link out of the storage, freed",
                        unsafe,
                        "leaves its storage",
                        (plugin, storage) -> plugin.freeImage(storage, volume("100/link.raw"), false, null)),
                refused("a link out of the storage, resized", unsafe, "leaves its storage", resize("100/link.raw")),
                refused(
                        "an external data file",
                        unsafe,
                        "it keeps its data in another file",
                        activate("100/data.qcow2")),
                refused("a backing file outside", unsafe, "not a file of its storage", activate("100/outside.qcow2")),
                refused("no image of its format", unsafe, "Image is not in qcow2 format", size("100/text.qcow2")),
                refused(
                        "an import with a backing file",
                        unsafe,
                        "backing file not allowed for untrusted image",
                        size("import/backed.qcow2")),
                refused(
                        "an import with a data file",
                        unsafe,
                        "it keeps its data in another file",
                        size("import/data.qcow2")),
                refused(
                        "an import of several files",
                        unsafe,
                        "it keeps its data in another file",
                        size("import/flat.vmdk")),
                refused(
                        "an import of no format",
                        unsafe,
                        "Image is not in qcow2 format",
                        activate("import/text.qcow2")),
                refused(
                        "an import's metadata",
                        not,
                        "invalid format 'qcow2'",
                        (plugin, storage) -> plugin.importMetadata(storage, volume("import/data.qcow2"))),
                refused(
                        "an image's metadata",
                        not,
                        "invalid content type",
                        (plugin, storage) -> plugin.importMetadata(storage, volume(RAW))),
                refused(
                        "a missing import's metadata",
                        missing,
                        "does not exist",
                        (plugin, storage) -> plugin.importMetadata(storage, volume("import/x.ova"))),
                refused(
                        "no archive",
                        not,
                        "unable to read the manifest of 'store:import/text.ova': it is no tar archive",
                        (plugin, storage) -> plugin.importMetadata(storage, volume("import/text.ova"))));
    }

    @ParameterizedTest
    @MethodSource("situations")
    void tellsWhatPveTellsAndChangesNothing(Situation situation) {
        List<String> before = Trees.of(directory);

        Failing.fails(
                () -> situation.call().on(new DirPlugin(), Storages.at(directory)),
                situation.error(),
                situation.outcome(),
                situation.fragment());
        assertThat(Trees.of(directory)).isEqualTo(before);
    }
}

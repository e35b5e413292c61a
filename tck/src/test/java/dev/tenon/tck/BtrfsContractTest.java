package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.mounted.btrfs.BtrfsPlugin;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The storage type {@code btrfs}, on a btrfs file system of its own. */
@TestInstance(Lifecycle.PER_CLASS)
class BtrfsContractTest extends StoragePluginContract {
    private static final Set<Image> SUBVOLUMES = EnumSet.of(Image.RAW, Image.SUBVOL);
    private static final Set<Image> FORMATS = EnumSet.allOf(Image.class);
    private static final Abilities ABILITIES = new Abilities(
            FORMATS,
            EnumSet.of(Image.RAW, Image.SUBVOL, Image.QCOW2),
            FORMATS,
            FORMATS,
            FORMATS,
            EnumSet.of(Image.RAW, Image.QCOW2),
            false,
            true,
            true);

    private Path scratch = Path.of("/unset");

    @BeforeAll
    void mount(@TempDir Path directory) throws IOException, InterruptedException {
        scratch = directory;
        Path disk = scratch.resolve("disk");
        try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
            file.setLength(512L << 20);
        }
        run("mkfs.btrfs", "-q", disk.toString());
        run("mount", "-o", "loop", disk.toString(), directory("mounted").toString());
        Files.createDirectory(scratch.resolve("mounted/store"));
    }

    @AfterAll
    void unmount() throws IOException, InterruptedException {
        run("umount", scratch.resolve("mounted").toString());
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor())
                .as(String.join(" ", command) + ": " + output)
                .isZero();
    }

    private Path directory(String name) throws IOException {
        return Files.createDirectories(scratch.resolve(name));
    }

    private static Storage storage(Path path) {
        return new Storage(
                new StorageId("nas"),
                new StorageConfig(
                        "btrfs",
                        Map.of(
                                "path",
                                path.toString(),
                                "content",
                                Map.of("images", "1", "rootdir", "1", "backup", "1"),
                                "create-base-path",
                                "0")));
    }

    @Override
    public Subject subject() {
        try {
            return Subject.ofFiles(
                    new BtrfsPlugin(),
                    storage(scratch.resolve("mounted/store")),
                    storage(scratch.resolve("missing")),
                    directory("outside"),
                    ABILITIES);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private Path guest(Vmid guest) {
        return scratch.resolve("mounted/store/images").resolve(guest.toString());
    }

    private Path subvolume(Vmid guest) {
        return guest(guest).resolve("subvol-" + guest + "-disk-0.subvol");
    }

    /** Only two are offered, and the other two are made if they are named, as PVE does it. */
    @Override
    @Test
    public void theFormatsOfTheStorageAreThoseItIsSaidToTake() {
        assertThat(subject().plugin().formats(subject().storage()).valid()).isEqualTo(Set.copyOf(SUBVOLUMES));
    }

    /** A clone of a subvolume shares blocks and not names: it does not tell of its base, and outlives it. */
    @Override
    @ParameterizedTest(name = "{0}")
    @EnumSource
    public void aCloneHasTheContentOfItsBaseAndDoesNotChangeItOrIsRefused(Format.Image format) {
        if (!SUBVOLUMES.contains(format)) {
            super.aCloneHasTheContentOfItsBaseAndDoesNotChangeItOrIsRefused(format);
            return;
        }
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        Vmid guest = Images.newGuest();
        VolumeName volume = images().make(Images.newGuest(), format);
        images().fill(volume, 11);
        VolumeName base = plugin.createBase(storage, volume);
        assertThat(plugin.hasFeature(storage, Feature.CLONE, base, null, false, null))
                .isTrue();
        VolumeName clone = plugin.cloneImage(storage, base, guest, null);
        VolumeName second = plugin.cloneImage(storage, base, guest, null);
        assertThat(images().namesOf(guest)).containsExactlyInAnyOrder(clone, second);
        assertThat(plugin.parseVolname(clone))
                .isInstanceOfSatisfying(
                        ParsedVolume.GuestImage.class,
                        parsed -> assertThat(parsed.base()).isNull());
        images().isFilled(clone, 11);
        images().fill(clone, 12);
        images().isFilled(second, 11);
        images().free(base);
        images().isFilled(clone, 12);
        images().isFilled(second, 11);
    }

    @Test
    void aRawImageIsAFileInASubvolumeOfItsOwn() throws IOException {
        Vmid guest = Images.newGuest();
        images().make(guest, Image.RAW);
        Path subvolume = guest(guest).resolve("vm-" + guest + "-disk-0");
        assertThat(Files.getAttribute(subvolume, "unix:ino")).isEqualTo(256L);
        assertThat(subvolume.resolve("disk.raw")).isRegularFile().hasSize(Images.SIZE.bytes());
    }

    @Test
    void nocowIsEffective() throws Exception {
        Storage plain = subject().storage();
        Map<String, Object> properties = new LinkedHashMap<>(plain.config().properties());
        properties.put("nocow", "1");
        Storage nocow = new Storage(plain.id(), new StorageConfig("btrfs", properties));
        Vmid guest = Images.newGuest();
        subject().plugin().allocImage(nocow, guest, Image.RAW, null, Images.SIZE);
        images().make(guest, Image.RAW);
        assertThat(flags(guest(guest).resolve("vm-" + guest + "-disk-0/disk.raw")))
                .contains("C");
        assertThat(flags(guest(guest).resolve("vm-" + guest + "-disk-1/disk.raw")))
                .doesNotContain("C");
    }

    private static String flags(Path file) throws IOException {
        Process process = new ProcessBuilder("lsattr", file.toString()).start();
        String line = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return line.substring(0, line.indexOf(' '));
    }

    @Test
    void aSnapshotOfAVolumeGoesWithIt() throws IOException {
        Vmid guest = Images.newGuest();
        VolumeName volume = images().make(guest, Image.RAW);
        subject().plugin().snapshotVolume(subject().storage(), volume, SnapshotContract.BEFORE);
        assertThat(guest(guest).resolve("vm-" + guest + "-disk-0@before/disk.raw"))
                .isRegularFile();
        images().free(volume);
        assertThat(guest(guest)).doesNotExist();
    }

    @Test
    void aMountedSubvolumeIsNeverRemovedNorRolledBack() throws Exception {
        Vmid guest = Images.newGuest();
        VolumeName volume = images().make(guest, Image.SUBVOL);
        images().fill(volume, 1);
        Path mountPoint = directory("root");
        run("mount", "--bind", subvolume(guest).toString(), mountPoint.toString());
        try {
            failing().refused(StorageError.IN_USE, () -> images().free(volume));
            subject().plugin().snapshotVolume(subject().storage(), volume, SnapshotContract.BEFORE);
            failing()
                    .refused(
                            StorageError.IN_USE,
                            () -> subject().plugin().rollback(subject().storage(), volume, SnapshotContract.BEFORE));
            assertThat(mountPoint.resolve("content")).hasBinaryContent(new byte[] {1});
        } finally {
            run("umount", mountPoint.toString());
        }
    }

    @Test
    void aSubvolumeWithinAnotherKeepsItFromBeingRemoved() throws Exception {
        Vmid guest = Images.newGuest();
        VolumeName volume = images().make(guest, Image.SUBVOL);
        Path nested = subvolume(guest).resolve("nested");
        run("btrfs", "-q", "subvolume", "create", nested.toString());
        failing().refused(StorageError.IN_USE, () -> images().free(volume));
        assertThat(nested).isDirectory();
        run("btrfs", "-q", "subvolume", "delete", nested.toString());
    }

    @Test
    void whatIsNoBtrfsIsNotActivated() throws IOException {
        Storage elsewhere = storage(directory("plain"));
        failing()
                .clean(
                        () -> subject().plugin().activateStorage(elsewhere, dev.tenon.core.spi.OperationCache.create()),
                        StorageError.STORAGE_UNAVAILABLE);
        assertThat(scratch.resolve("plain")).isEmptyDirectory();
    }
}

package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Host;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DirAllocationTest {
    private static final Vmid GUEST = new Vmid(100);

    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();
    private Storage storage = Storages.at(Path.of("/unset"));
    private Path guest = Path.of("/unset");

    @BeforeEach
    void makeStorage() {
        storage = Storages.at(directory);
        guest = directory.resolve("images/100");
    }

    @ParameterizedTest
    @CsvSource({
        "RAW, vm-100-disk-0.raw",
        "QCOW2, vm-100-disk-0.qcow2",
        "VMDK, vm-100-disk-0.vmdk",
    })
    void makesAnImageUnderTheFirstFreeName(Format.Image format, String name) throws IOException {
        VolumeName volume = plugin.allocImage(storage, GUEST, format, null, ByteSize.ofBytes((4 << 20) + 1));

        assertThat(volume.value()).isEqualTo("100/" + name);
        assertThat(Qemu.info(guest.resolve(name), format.word()).virtualSize()).isEqualTo((4 << 20) + 1024);
        assertThat(everythingIn(directory)).containsExactlyInAnyOrder("images", "images/100", "images/100/" + name);
    }

    /** Whatever can be made is listed as the image of its guest. */
    @ParameterizedTest
    @CsvSource({
        "0, vm-0-disk-0.raw, no guest has the number 0",
        "5, vm-5-disk-0.raw, no guest has the number 5",
        "9, , no guest has the number 9",
        "100, .hidden.raw, begins with a dot is not listed",
        "100, .raw, ",
        "100, .tenon-0123.raw, begins with a dot is not listed"
    })
    void makesNothingThatNobodyLists(long owner, @Nullable String name, @Nullable String why) {
        Failing.isRefused(
                () -> plugin.allocImage(storage, new Vmid(owner), Format.Image.RAW, name, ByteSize.ofKib(1)),
                StorageError.INVALID_NAME,
                why == null ? "" : why);
        assertThat(plugin.listImages(storage, ImageFilter.all(), OperationCache.create()))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "100, , RAW",
        "100, vm-100-disk-7.raw, RAW",
        "10, kept.raw, RAW",
        "100, vm-101-disk-0.raw, RAW",
        "999999999, , QCOW2",
        "100, base-100-disk-1.raw, RAW"
    })
    void listsWhatItMakes(long owner, @Nullable String name, Format.Image format) {
        VolumeName made = plugin.allocImage(storage, new Vmid(owner), format, name, ByteSize.ofKib(1));

        assertThat(plugin.listImages(storage, new ImageFilter.OfGuest(new Vmid(owner)), OperationCache.create()))
                .extracting(image -> image.volid().volume())
                .containsExactly(made);
    }

    @Test
    void writesTheFinalNameIntoAVmdkImage() throws IOException {
        plugin.allocImage(storage, GUEST, Format.Image.VMDK, null, ByteSize.ofKib(1024));

        byte[] image = Files.readAllBytes(guest.resolve("vm-100-disk-0.vmdk"));
        assertThat(new String(image, 0, 2048, StandardCharsets.ISO_8859_1)).contains("\"vm-100-disk-0.vmdk\"");
    }

    @Test
    void opensNothingToOthers() throws IOException {
        Path mode = Files.createDirectory(
                directory.resolve("probe"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxrwxrwx")));
        int umask = 0777 & ~FileStatus.of(mode).permissions();
        Files.delete(mode);

        plugin.allocImage(storage, GUEST, Format.Image.QCOW2, null, ByteSize.ofKib(1024));

        assertThat(FileStatus.of(guest.resolve("vm-100-disk-0.qcow2")).permissions())
                .isEqualTo(0644 & ~(umask | 0037));
        assertThat(FileStatus.of(guest).permissions()).isEqualTo(0777 & ~(umask | 0037));
    }

    @Test
    void makesASubvolumeThatIsOpenToAll() throws IOException {
        VolumeName volume = plugin.allocImage(storage, GUEST, Format.Image.SUBVOL, null, ByteSize.ofBytes(0));

        assertThat(volume.value()).isEqualTo("100/subvol-100-disk-0.subvol");
        FileStatus status = FileStatus.of(guest.resolve("subvol-100-disk-0.subvol"));
        assertThat(status.isDirectory()).isTrue();
        assertThat(status.permissions()).isEqualTo(0755);
    }

    @Test
    void refusesASubvolumeWithASize() {
        assertFails(Format.Image.SUBVOL, null, ByteSize.ofKib(1)).hasMessage("storage does not support subvol quotas");
        assertThat(directory).isEmptyDirectory();
    }

    @ParameterizedTest
    @CsvSource({"metadata, 262144, 1048576", "off, 0, 262143", "full, 4194304, 8388608"})
    void preallocatesAsConfigured(String mode, long least, long most) throws IOException {
        Storage configured = Storages.at(directory, "preallocation", mode);

        plugin.allocImage(configured, GUEST, Format.Image.QCOW2, "disk.qcow2", ByteSize.ofKib(4096));

        assertThat(FileStatus.of(guest.resolve("disk.qcow2")).allocated()).isBetween(least, most);
    }

    @Test
    void takesTheWantedName() {
        assertThat(plugin.allocImage(storage, GUEST, Format.Image.RAW, "vm-100-cloudinit.raw", ByteSize.ofKib(4))
                        .value())
                .isEqualTo("100/vm-100-cloudinit.raw");
    }

    @Test
    void refusesANameWithTheExtensionOfAnotherFormat() {
        assertFails(Format.Image.QCOW2, "vm-100-disk-0.raw", ByteSize.ofKib(4))
                .hasMessage("illegal name vm-100-disk-0.raw - volume name does not match requested format 'qcow2'"
                        + " (did you mean 'vm-100-disk-0.qcow2'?)");
    }

    @Test
    void givesANameWithoutOneTheExtensionOfTheFormatAndWarnsTheHost() {
        List<String> warnings = new ArrayList<>();

        VolumeName volume = new Host(true, warnings::add, null)
                .call(() ->
                        plugin.allocImage(storage, GUEST, Format.Image.QCOW2, "vm-100-cloudinit", ByteSize.ofKib(4)));

        assertThat(volume).hasToString("100/vm-100-cloudinit.qcow2");
        assertThat(guest.resolve("vm-100-cloudinit.qcow2")).isRegularFile();
        assertThat(warnings)
                .containsExactly("volume name 'vm-100-cloudinit' is missing the '.qcow2' extension - allocating"
                        + " 'vm-100-cloudinit.qcow2'");
    }

    @Test
    void refusesOnAHostBeforeLevel16WhatThatHostRefuses() throws IOException {
        Host before16 = new Host(
                false,
                warning -> {
                    throw new AssertionError(warning);
                },
                null);

        assertThat(before16.call(() -> failureOf(Format.Image.QCOW2, "vm-100-cloudinit", ByteSize.ofKib(4))))
                .hasMessage("unable to parse volume filename 'vm-100-cloudinit'");
        assertThat(before16.call(() -> failureOf(Format.Image.QCOW2, "vm-100-disk-0.raw", ByteSize.ofKib(4))))
                .hasMessage("illegal name 'vm-100-disk-0.raw' - wrong extension for format ('raw != 'qcow2')");
        assertThat(everythingIn(directory)).isEmpty();
    }

    @Test
    void refusesANameThatIsTaken() throws IOException {
        Files.writeString(Files.createDirectories(guest).resolve("disk.raw"), "precious");

        assertFails(Format.Image.RAW, "disk.raw", ByteSize.ofKib(4))
                .hasMessage("disk image '" + guest.resolve("disk.raw") + "' already exists")
                .extracting(StorageException::error)
                .isEqualTo(StorageError.ALREADY_EXISTS);
        assertThat(guest.resolve("disk.raw")).hasContent("precious");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../101/disk.raw",
                "..",
                "/etc/disk.raw",
                "a/b.raw",
                "-o.raw",
                "line\nfeed.raw",
                "with blank.raw",
                "",
                "disk.img",
                "snap-one-disk.qcow2"
            })
    void refusesAHostileNameAndLeavesNothing(String name) throws IOException {
        assertFails(name.endsWith("qcow2") ? Format.Image.QCOW2 : Format.Image.RAW, name, ByteSize.ofKib(4))
                .extracting(StorageException::error)
                .isEqualTo(StorageError.INVALID_NAME);
        assertThat(everythingIn(directory)).isEmpty();
    }

    @Test
    void refusesANameOfThreeHundredCharacters() throws IOException {
        assertFails(Format.Image.RAW, "n".repeat(296) + ".raw", ByteSize.ofKib(4))
                .extracting(StorageException::error)
                .isEqualTo(StorageError.INVALID_NAME);
        assertThat(everythingIn(directory)).isEmpty();
    }

    @Test
    void refusesAFormatThatIsNoImage() {
        assertFails(new Format.Other("vdi"), null, ByteSize.ofKib(4))
                .extracting(StorageException::error)
                .isEqualTo(StorageError.NOT_SUPPORTED);
    }

    @Test
    void refusesAStorageThatIsMissing() {
        Storage missing = Storages.at(directory.resolve("missing"));

        assertThatThrownBy(() -> plugin.allocImage(missing, GUEST, Format.Image.RAW, null, ByteSize.ofKib(4)))
                .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                .extracting(StorageException::error)
                .isEqualTo(StorageError.STORAGE_UNAVAILABLE);
        assertThat(directory.resolve("missing")).doesNotExist();
    }

    @Test
    void refusesAGuestDirectoryThatLeadsOutOfTheStorage(@TempDir Path outside) throws IOException {
        Files.createDirectory(directory.resolve("images"));
        Files.createSymbolicLink(guest, outside);

        assertFails(Format.Image.RAW, "disk.raw", ByteSize.ofKib(4))
                .hasMessageContaining("leaves its storage")
                .extracting(StorageException::error)
                .isEqualTo(StorageError.UNSAFE_IMAGE);
        assertThat(outside).isEmptyDirectory();
    }

    @Test
    void acceptsADirectoryOfImagesThatIsALink(@TempDir Path bigDisk) throws IOException {
        Files.createSymbolicLink(directory.resolve("images"), bigDisk);

        plugin.allocImage(storage, GUEST, Format.Image.RAW, "disk.raw", ByteSize.ofKib(4));

        assertThat(bigDisk.resolve("100/disk.raw")).exists();
    }

    @Test
    void acceptsAStorageThatIsALink(@TempDir Path other) throws IOException {
        Path link = Files.createSymbolicLink(other.resolve("link"), directory);

        plugin.allocImage(Storages.at(link), GUEST, Format.Image.RAW, "disk.raw", ByteSize.ofKib(4));

        assertThat(guest.resolve("disk.raw")).exists();
    }

    @Test
    void leavesNothingWhenQemuImgFails() throws IOException {
        StorageException failure = failureOf(Format.Image.QCOW2, null, ByteSize.ofKib(Long.MAX_VALUE / 2048));

        assertThat(failure).hasMessageStartingWith("unable to create image: qemu-img: ");
        assertThat(failure.error()).isEqualTo(StorageError.COMMAND_FAILED);
        assertThat(failure.outcome()).isEqualTo(Outcome.FAILED_CLEAN);
        assertThat(everythingIn(directory)).isEmpty();
    }

    @Test
    void keepsADirectoryThatWasThereBeforeItFailed() throws IOException {
        Files.createDirectories(guest);

        failureOf(Format.Image.QCOW2, null, ByteSize.ofKib(Long.MAX_VALUE / 2048));

        assertThat(everythingIn(directory)).containsExactlyInAnyOrder("images", "images/100");
    }

    @Test
    void leavesNothingWhenTheStorageIsFull() throws IOException {
        Path small = Files.createDirectory(directory.resolve("small"));
        mountTmpfs(small, "1m");
        try {
            Storage full = Storages.at(small, "preallocation", "full");

            assertThatThrownBy(() -> plugin.allocImage(full, GUEST, Format.Image.RAW, null, ByteSize.ofKib(8192)))
                    .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                    .satisfies(failure -> {
                        assertThat(failure.error()).isEqualTo(StorageError.NO_SPACE);
                        assertThat(failure.outcome()).isEqualTo(Outcome.FAILED_CLEAN);
                    });
            assertThat(everythingIn(small)).isEmpty();
        } finally {
            Qemu.run(null, List.of("umount", small.toString()));
        }
    }

    @Test
    void leavesNothingWhenTheStorageHasNoMoreInodes() throws IOException {
        Path small = Files.createDirectory(directory.resolve("small"));
        mountTmpfs(small, "1m,nr_inodes=3");
        try {
            assertThatThrownBy(() ->
                            plugin.allocImage(Storages.at(small), GUEST, Format.Image.RAW, null, ByteSize.ofKib(4)))
                    .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                    .satisfies(failure -> {
                        assertThat(failure.error()).isEqualTo(StorageError.NO_SPACE);
                        assertThat(failure.outcome()).isEqualTo(Outcome.FAILED_CLEAN);
                    });
            assertThat(everythingIn(small)).isEmpty();
        } finally {
            Qemu.run(null, List.of("umount", small.toString()));
        }
    }

    @Test
    void removesWhatACrashLeftADayAgo() throws IOException {
        Path old = Files.createDirectories(guest.resolve(".tenon-0123456789abcdef"));
        Path image = Files.createFile(old.resolve("vm-100-disk-0.raw"));
        Path recent = Files.createDirectory(guest.resolve(".tenon-fedcba9876543210"));
        FileTime twoDaysAgo = FileTime.from(Instant.now().minusMillis(TimeUnit.DAYS.toMillis(2)));
        Files.setLastModifiedTime(image, twoDaysAgo);
        Files.setLastModifiedTime(old, twoDaysAgo);

        plugin.allocImage(storage, GUEST, Format.Image.RAW, null, ByteSize.ofKib(4));

        assertThat(old).doesNotExist();
        assertThat(recent).exists();
    }

    @Test
    void isListedOnlyWhenItIsFinished() throws InterruptedException {
        Set<Format> seen = ConcurrentHashMap.newKeySet();
        AtomicBoolean finished = new AtomicBoolean();
        Thread lister = Thread.ofVirtual().start(() -> {
            while (!finished.get()) {
                plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                        .map(VolumeInfo::format)
                        .forEach(seen::add);
            }
        });
        for (int i = 0; i < 30; i++) {
            plugin.allocImage(storage, GUEST, Format.Image.QCOW2, null, ByteSize.ofKib(1024));
        }
        finished.set(true);
        lister.join();

        assertThat(seen).isSubsetOf(Format.Image.QCOW2);
        assertThat(plugin.listImages(storage, ImageFilter.all(), OperationCache.create()))
                .hasSize(30)
                .extracting(VolumeInfo::size)
                .containsOnly(ByteSize.ofKib(1024));
    }

    @Test
    void countsNumbersAcrossAllFormats() throws IOException {
        Files.createDirectories(guest);
        for (String name :
                List.of("vm-100-disk-0.raw", "base-100-disk-1.qcow2", "vm-100-disk-2.vmdk", "oldvm-100-disk-4.raw")) {
            Files.createFile(guest.resolve(name));
        }
        Files.createDirectory(guest.resolve("subvol-100-disk-3.subvol"));
        Files.createFile(guest.resolve("vm-101-disk-5.raw"));

        assertThat(plugin.findFreeDiskname(storage, GUEST, Format.Image.RAW, true))
                .isEqualTo("vm-100-disk-5.raw");
        assertThat(plugin.findFreeDiskname(storage, GUEST, Format.Image.SUBVOL, true))
                .isEqualTo("subvol-100-disk-5.subvol");
        assertThat(plugin.findFreeDiskname(storage, GUEST, Format.Image.QCOW2, false))
                .isEqualTo("vm-100-disk-5");
        assertThat(plugin.findFreeDiskname(storage, GUEST, null, true)).isEqualTo("vm-100-disk-5.raw");
        assertThat(plugin.findFreeDiskname(Storages.at(directory, "format", "qcow2"), GUEST, null, true))
                .isEqualTo("vm-100-disk-5.qcow2");
    }

    @Test
    void runsOutOfNamesAfterThousandAndTwentyFour() throws IOException {
        Files.createDirectories(guest);
        for (int number : IntStream.range(0, 1024).toArray()) {
            Files.createFile(guest.resolve("vm-100-disk-" + number + ".raw"));
        }

        assertFails(Format.Image.RAW, null, ByteSize.ofKib(4))
                .hasMessage("unable to allocate an image name for VM 100 in storage 'store'")
                .extracting(StorageException::error)
                .isEqualTo(StorageError.NO_SPACE);
        Files.delete(guest.resolve("vm-100-disk-700.raw"));
        assertThat(plugin.findFreeDiskname(storage, GUEST, Format.Image.RAW, true))
                .isEqualTo("vm-100-disk-700.raw");
    }

    private StorageException failureOf(Format format, @Nullable String name, ByteSize size) {
        try {
            VolumeName volume = plugin.allocImage(storage, GUEST, format, name, size);
            throw new AssertionError("allocated " + volume);
        } catch (StorageException e) {
            return e;
        }
    }

    private AbstractThrowableAssert<?, StorageException> assertFails(
            Format format, @Nullable String name, ByteSize size) {
        return assertThat(failureOf(format, name, size));
    }

    private static void mountTmpfs(Path directory, String options) {
        Assumptions.assumeTrue("root".equals(System.getProperty("user.name")), "only root may mount a file system");
        try {
            Qemu.run(null, List.of("mount", "-t", "tmpfs", "-o", "size=" + options, "tmpfs", directory.toString()));
        } catch (IllegalStateException e) {
            Assumptions.abort("no file system can be mounted here: " + e.getMessage());
        }
    }

    private static List<String> everythingIn(Path directory) throws IOException {
        try (Stream<Path> paths = Files.walk(directory)) {
            return paths.filter(path -> !path.equals(directory))
                    .map(path -> directory.relativize(path).toString())
                    .toList();
        }
    }
}

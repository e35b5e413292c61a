package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.assertj.core.data.Percentage.withPercentage;

import dev.tenon.core.command.Command;
import dev.tenon.core.config.ConfigStore;
import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.DelegatingPlugin;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.linux.FileMove;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.linux.FileSystemStatus;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.service.Permissions;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.storage.mounted.btrfs.BtrfsPlugin;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.it.support.Background;
import dev.tenon.it.support.MemoryPlugin;
import dev.tenon.it.support.Scratch;
import dev.tenon.libvirt.VirConnect;
import dev.tenon.libvirt.VirStorageGroup;
import dev.tenon.libvirt.VirStorageStat;
import dev.tenon.libvirt.VirStorageStatVfs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The storage proposal of libvirt (October 2007). Each test says in its name what the proposal's comments document for a
 * call, or what a call refuses.
 */
class LibvirtCallsTest {
    private static final long MEBIBYTE = 1024;

    private static StorageService service(Scratch scratch, StoragePlugin blocks) throws IOException {
        Map<String, StoragePlugin> types = Map.of("memory", blocks, "dir", new DirPlugin());
        Path file = scratch.file("storage.cfg");
        Files.createDirectories(scratch.file("own/images/100"));
        Files.writeString(file, """
                dir: local
                	path /var/lib/vz
                	disable

                dir: own
                	path %s
                	content images

                dir: papers
                	path %s
                	content iso

                memory: mem
                	room here
                	content images

                memory: far
                	room elsewhere
                	content images

                """.formatted(scratch.file("own"), scratch.file("papers")));
        ConfigStore configs = new ConfigStore(file, types, Locks.forFile(file));
        return new StorageService(
                configs::current, types, "here", new Locks(scratch.file("lock"), null), Runnable::run, Permissions.ALL);
    }

    private static StorageService service(Scratch scratch) throws IOException {
        return service(scratch, new MemoryPlugin("here"));
    }

    private static VirConnect connect(Scratch scratch) throws IOException {
        return new VirConnect(service(scratch));
    }

    private static void refused(ThrowingCallable call, StorageError error, String reason) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(StorageException.class, e -> {
                    assertThat(e.error()).isEqualTo(error);
                    assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED);
                })
                .hasMessageContaining(reason);
    }

    @Test
    void fileLocationsAreAnArrayOfWildcards(Scratch scratch) throws IOException {
        Path odd = Files.createDirectories(scratch.file("odd[1]*"));
        StoragePlugin memory = new MemoryPlugin("here");
        StoragePlugin files = new Changed(memory) {
            @Override
            public String getSubdir(Storage storage, ContentType type) {
                return odd.toString();
            }

            @Override
            public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
                return new VolumePath(odd + "/" + volume, null, null);
            }
        };
        String escaped = scratch.root() + "/odd\\[1\\]\\*/*/*";

        assertThat(connect(scratch).virStorageFileLocations()).containsExactly(scratch.file("own") + "/images/*/*");
        VirConnect connect = new VirConnect(service(scratch, files));
        assertThat(connect.virStorageFileLocations())
                .containsExactly(scratch.file("own") + "/images/*/*", escaped, escaped);
        connect.virStorageCreateFile(odd + "/100/vm-100-disk-0.raw", 4, 0);
        assertThat(odd.resolve("100/vm-100-disk-0.raw")).hasSize(4096);
    }

    @Test
    void wildcardsCanDescribeMoreThanADirectoryAndNoneMatchesASlash(Scratch scratch) throws IOException {
        Path images = Files.createDirectories(scratch.file("xen/images"));
        Files.createDirectories(images.resolve("xen/deep.img"));
        VirConnect connect = new VirConnect(service(scratch), List.of(images + "/xen*.img"));

        connect.virStorageCreateFile(images + "/xen-a.img", 1, 0);

        assertThat(connect.virStorageFileStat(images + "/xen-a.img"))
                .contains(new VirStorageStat(VirStorageStat.Type.FILE, 1024));
        for (String outside : List.of("/xen/deep.img", "/qemu.img", "/xen-b.img.bak")) {
            refused(
                    () -> connect.virStorageFileStat(images + outside),
                    StorageError.PERMISSION_DENIED,
                    "is in no file location; they are '" + images + "/xen*.img'");
        }
        refused(
                () -> new VirConnect(service(scratch), List.of("images/*")),
                StorageError.BAD_PARAMETER,
                "file location 'images/*' does not begin with '/'");
    }

    @Test
    void freeingNothingIsAnErrorAndFreeingWhatACallReturnedIsNone(Scratch scratch) throws IOException {
        VirConnect connect = connect(scratch);

        refused(() -> connect.virStorageFileLocationsFree(null), StorageError.BAD_PARAMETER, "'names'");
        refused(() -> connect.virStorageListGroupsFree(null), StorageError.BAD_PARAMETER, "'groups'");
        connect.virStorageFileLocationsFree(connect.virStorageFileLocations());
        connect.virStorageListGroupsFree(connect.virStorageListGroups());
    }

    @Test
    void statTellsTypeAndBytesAndThatAFileDoesNotExist(Scratch scratch) throws IOException {
        VirConnect connect = connect(scratch);
        Path guest = scratch.file("own/images/100");
        Files.write(guest.resolve("vm-100-disk-0.raw"), new byte[12345]);
        Files.createDirectories(guest.resolve("subvol-100-disk-1.subvol"));

        assertThat(connect.virStorageFileStat(guest + "/vm-100-disk-0.raw"))
                .contains(new VirStorageStat(VirStorageStat.Type.FILE, 12345));
        assertThat(connect.virStorageFileStat(guest + "/subvol-100-disk-1.subvol"))
                .map(VirStorageStat::type)
                .contains(VirStorageStat.Type.DIR);
        assertThat(connect.virStorageFileStat(guest + "/vm-100-disk-9.raw")).isEmpty();
        assertThat(connect.virStorageFileStat(
                        scratch.file("own/images/999/vm-999-disk-0.raw").toString()))
                .isEmpty();
        assertThat(List.of(
                        VirStorageStat.Type.BLOCK.number(),
                        VirStorageStat.Type.FILE.number(),
                        VirStorageStat.Type.DIR.number()))
                .isEqualTo(List.of(1, 2, 3));
    }

    @Test
    void statOfABlockDeviceHasItsSizeAlthoughItsStatusHasNone(Scratch scratch) throws IOException {
        assumeThat(EffectiveUser.id() == 0 && Files.exists(Path.of("/dev/loop-control")))
                .as("making a loop device takes root and loop devices")
                .isTrue();
        Path file = scratch.file("device.raw");
        Files.write(file, new byte[3 << 20]);
        String device =
                Command.of("losetup", "--find", "--show", file.toString()).run().strip();
        try {
            StoragePlugin memory = new MemoryPlugin("here");
            VirConnect connect = new VirConnect(service(scratch, new Changed(memory) {
                @Override
                public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
                    return new VolumePath(device, null, null);
                }
            }));

            assertThat(connect.virStorageCreateVolume("vm-100-disk-0.raw", "mem", MEBIBYTE, 0))
                    .isEqualTo(device);
            assertThat(FileStatus.of(Path.of(device)).size()).isZero();
            assertThat(connect.virStorageFileStat(device))
                    .contains(new VirStorageStat(VirStorageStat.Type.BLOCK, 3 << 20));
            refused(
                    () -> connect.virStorageFileStat("/dev/null"),
                    StorageError.PERMISSION_DENIED,
                    "in no file location");
        } finally {
            Command.of("losetup", "--detach", device).run();
        }
    }

    @Test
    void aVolumeWhosePathIsNotKnownHidesNoOther(Scratch scratch) throws IOException {
        Path directory = Files.createDirectories(scratch.file("subvol-100-disk-1"));
        AtomicBoolean isBroken = new AtomicBoolean();
        StoragePlugin memory = new MemoryPlugin("here");
        VirConnect connect = new VirConnect(service(scratch, new Changed(memory) {
            @Override
            public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
                if (isBroken.get() && volume.toString().contains("disk-0")) {
                    throw new StorageException(StorageError.COMMAND_FAILED, Outcome.UNKNOWN, "no such pool");
                }
                return new VolumePath(directory.toString(), null, null);
            }
        }));
        connect.virStorageCreateVolume("vm-100-disk-0.raw", "mem", MEBIBYTE, 0);
        connect.virStorageCreateVolume("vm-100-disk-1.raw", "mem", MEBIBYTE, 0);
        isBroken.set(true);

        assertThat(connect.virStorageFileStat(directory.toString()))
                .map(VirStorageStat::type)
                .contains(VirStorageStat.Type.DIR);
        refused(() -> connect.virStorageFileStat("/etc"), StorageError.PERMISSION_DENIED, "in no file location");
    }

    /** A plugin of which a test changes one answer. */
    private static class Changed extends DelegatingPlugin {
        private final StoragePlugin plugin;

        Changed(StoragePlugin plugin) {
            this.plugin = plugin;
        }

        @Override
        protected <T extends @Nullable Object> T make(Call<T> call) {
            return call.on(plugin);
        }
    }

    @Test
    void statVfsTellsBlocksOfAnExistingPathOrOfItsParent(Scratch scratch) throws IOException {
        VirConnect connect = connect(scratch);
        String guest = scratch.file("own/images/100").toString();

        refused(
                () -> connect.virStorageFileStatVFS(guest + "/vm-100-disk-0.raw"),
                StorageError.NOT_FOUND,
                "vm-100-disk-0.raw");
        VirStorageStatVfs room = connect.virStorageFileStatVFS(guest);
        FileSystemStatus status = FileSystemStatus.of(Path.of(guest));
        assertThat(room.bsize()).isEqualTo(status.blockSize());
        assertThat(room.bavail() * room.bsize()).isCloseTo(status.available(), withPercentage(5));
        assertThat(connect.virStorageFileStatVFS(scratch.file("own").toString()).bsize())
                .isEqualTo(room.bsize());
        refused(() -> connect.virStorageFileStatVFS("/etc"), StorageError.PERMISSION_DENIED, "in no file location");
        refused(
                () -> connect.virStorageFileStatVFS(guest + "/deep/below"),
                StorageError.PERMISSION_DENIED,
                "in no file location");
    }

    @Test
    void createFileTakesKilobytesAndASparseFileTakesNoSpace(Scratch scratch) throws IOException {
        VirConnect connect = connect(scratch);
        Path guest = scratch.file("own/images/100");
        Path full = guest.resolve("vm-100-disk-0.raw");
        Path sparse = guest.resolve("vm-100-disk-1.raw");

        connect.virStorageCreateFile(full.toString(), MEBIBYTE, 0);
        connect.virStorageCreateFile(sparse.toString(), MEBIBYTE, VirConnect.VIR_STORAGE_SPARSE_FILE);

        assertThat(full).hasSize(1 << 20);
        assertThat(sparse).hasSize(1 << 20);
        assertThat(FileStatus.of(full).allocated()).isGreaterThanOrEqualTo(1 << 20);
        assertThat(FileStatus.of(sparse).allocated()).isZero();
        assertThat(FileStatus.of(full).permissions()).isEqualTo(0600);
        connect.virStorageCreateFile(
                scratch.file("own/images/101/vm-101-disk-0.raw").toString(), 0, 0);
        assertThat(scratch.file("own/images/101/vm-101-disk-0.raw")).isEmptyFile();
    }

    @Test
    void createFileRefusesWhatExistsWhatDoesNotFitAndWhatIsInNoLocation(Scratch scratch) throws IOException {
        VirConnect connect = connect(scratch);
        String guest = scratch.file("own/images/100").toString();
        String file = guest + "/vm-100-disk-0.raw";
        connect.virStorageCreateFile(file, 1, 0);
        List<String> before = Scratch.files(scratch.root());

        refused(() -> connect.virStorageCreateFile(file, 1, 0), StorageError.ALREADY_EXISTS, "'" + file + "'");
        for (int flags : List.of(0, VirConnect.VIR_STORAGE_SPARSE_FILE)) {
            refused(
                    () -> connect.virStorageCreateFile(guest + "/vm-100-disk-1.raw", 1L << 50, flags),
                    StorageError.NO_SPACE,
                    "a file of 1.00 EiB does not fit");
            refused(
                    () -> connect.virStorageCreateFile(
                            scratch.file("own/images/102/vm-102-disk-0.raw").toString(), 1L << 50, flags),
                    StorageError.NO_SPACE,
                    "does not fit");
        }
        refused(
                () -> connect.virStorageCreateFile(guest + "/vm-100-disk-1.raw", 1, 2),
                StorageError.BAD_PARAMETER,
                "flags are 2");
        refused(
                () -> connect.virStorageCreateFile(guest + "/vm-100-disk-1.raw", -1, 0),
                StorageError.BAD_PARAMETER,
                "negative");
        refused(
                () -> connect.virStorageCreateFile(guest + "/vm-100-disk-1.raw", 1L << 60, 0),
                StorageError.BAD_PARAMETER,
                "too large");
        refused(
                () -> connect.virStorageCreateFile(scratch.file("own/disk.raw").toString(), 1, 0),
                StorageError.PERMISSION_DENIED,
                "in no file location");
        refused(
                () -> connect.virStorageCreateFile(guest + "/vm-101-disk-1.raw", 1, 0),
                StorageError.INVALID_NAME,
                "is of guest 101, and the directory of guest '100'");
        refused(
                () -> connect.virStorageCreateFile(guest + "/vm-100-disk-1.qcow2", 1, 0),
                StorageError.INVALID_NAME,
                "is of format 'qcow2', and the file would be 'raw'");
        refused(
                () -> connect.virStorageCreateFile(guest + "/notes.txt", 1, 0),
                StorageError.INVALID_NAME,
                "does not say the guest");
        assertThat(Scratch.files(scratch.root())).isEqualTo(before);
    }

    /** The name of a file is longer than file systems have it, which is noticed after its directory was made. */
    @Test
    void aDirectoryThatWasMadeForAFileThatFailsIsRemoved(Scratch scratch) throws IOException {
        Path images = scratch.file("images");
        VirConnect connect = new VirConnect(service(scratch), List.of(images + "/*/*"));
        Files.createDirectories(images.resolve("there"));
        for (String directory : List.of("new", "there")) {
            String file = images.resolve(directory).resolve("x".repeat(256)).toString();
            refused(() -> connect.virStorageCreateFile(file, 1, 0), StorageError.STORAGE_UNAVAILABLE, "too long");
        }

        assertThat(images.resolve("new")).doesNotExist();
        assertThat(images.resolve("there")).isEmptyDirectory();
        connect.virStorageCreateFile(images + "/new/disk", 1, 0);
        assertThat(images.resolve("new/disk")).hasSize(1024);
    }

    /** A storage of type btrfs has a raw image in a subvolume. */
    @Test
    void aFileThatTheStorageWouldNotListIsNotMade(Scratch scratch) throws IOException {
        StoragePlugin btrfs = new BtrfsPlugin();
        Path file = scratch.file("btrfs.cfg");
        Files.writeString(file, "btrfs: sub\n\tpath %s\n\tcontent images\n".formatted(scratch.file("own")));
        Map<String, StoragePlugin> types = Map.of("btrfs", btrfs);
        ConfigStore configs = new ConfigStore(file, types, Locks.forFile(file));
        VirConnect connect = new VirConnect(new StorageService(
                configs::current,
                types,
                "here",
                new Locks(scratch.file("lock"), null),
                Runnable::run,
                Permissions.ALL));
        Files.createDirectories(scratch.file("own/images"));

        refused(
                () -> connect.virStorageCreateFile(
                        scratch.file("own/images/100/vm-100-disk-0.raw").toString(), 1, 0),
                StorageError.NOT_SUPPORTED,
                "storage 'sub' keeps volume 'sub:100/vm-100-disk-0.raw' in '"
                        + scratch.file("own/images/100/vm-100-disk-0/disk.raw"));

        assertThat(scratch.file("own/images")).isEmptyDirectory();
    }

    @Test
    void pathsThatHideWhereTheyLeadAreRefusedByEveryCall(Scratch scratch) throws IOException {
        Path images = Files.createDirectories(scratch.file("images"));
        Path outside = Files.createDirectories(scratch.file("outside"));
        Files.createDirectories(images.resolve("real"));
        Files.createSymbolicLink(images.resolve("linked"), outside);
        Files.writeString(outside.resolve("secret"), "secret");
        Files.createSymbolicLink(images.resolve("real/link"), outside.resolve("secret"));
        Files.createSymbolicLink(images.resolve("real/dangling"), outside.resolve("new"));
        Command.of("mkfifo", images.resolve("real/pipe").toString()).run();
        Files.createSymbolicLink(scratch.file("place"), images);
        VirConnect connect = new VirConnect(service(scratch), List.of(images + "/*/*", scratch.file("place") + "/*/*"));
        List<String> before = Scratch.files(scratch.root());

        for (String path : List.of(
                "images/../outside/secret", "images/real/../../outside/secret", "images//real/a", "images/real/./a")) {
            everywhereRefused(connect, scratch.root() + "/" + path, StorageError.BAD_PARAMETER, "absolute and plain");
        }
        everywhereRefused(connect, "images/real/a", StorageError.BAD_PARAMETER, "absolute and plain");
        for (String path : List.of("images/linked/secret", "place/real/a", "images/linked/new")) {
            everywhereRefused(
                    connect, scratch.root() + "/" + path, StorageError.PERMISSION_DENIED, "through a symbolic link");
        }
        for (String path : List.of("images/real/link", "images/real/dangling")) {
            refused(
                    () -> connect.virStorageFileStat(scratch.root() + "/" + path),
                    StorageError.PERMISSION_DENIED,
                    "through a symbolic link");
            refused(
                    () -> connect.virStorageCreateFile(scratch.root() + "/" + path, 1, 0),
                    StorageError.ALREADY_EXISTS,
                    path);
        }
        refused(
                () -> connect.virStorageFileStat(images + "/real/pipe"),
                StorageError.UNSAFE_IMAGE,
                "a device, pipe or socket");
        refused(() -> connect.virStorageCreateFile(images + "/real/pipe", 1, 0), StorageError.ALREADY_EXISTS, "pipe");
        assertThat(Scratch.files(scratch.root())).isEqualTo(before);
        assertThat(outside.resolve("secret")).hasContent("secret");
    }

    @Test
    void aDeviceInALocationIsNoFileOfAGuest(Scratch scratch) throws IOException {
        assumeThat(EffectiveUser.id()).as("only root makes devices").isZero();
        Path guest = Files.createDirectories(scratch.file("images/100"));
        Path device = guest.resolve("device");
        // The one that gives zeroes: nothing is lost by it.
        Command.of("mknod", device.toString(), "c", "1", "5").run();
        VirConnect connect = new VirConnect(service(scratch), List.of(scratch.file("images") + "/*/*"));

        refused(
                () -> connect.virStorageFileStat(device.toString()),
                StorageError.UNSAFE_IMAGE,
                "a device, pipe or socket");
        refused(() -> connect.virStorageCreateFile(device.toString(), 1, 0), StorageError.ALREADY_EXISTS, "device");
    }

    private static void everywhereRefused(VirConnect connect, String path, StorageError error, String reason) {
        List<Function<String, ThrowingCallable>> calls = List.of(
                given -> () -> connect.virStorageFileStat(given),
                given -> () -> connect.virStorageFileStatVFS(given),
                given -> () -> connect.virStorageCreateFile(given, 1, 0));
        calls.forEach(call -> refused(call.apply(path), error, reason));
    }

    @Test
    void aDirectoryThatIsSwappedForALinkMeanwhileGetsNoFileMadeOutside(Scratch scratch) throws Exception {
        Path images = Files.createDirectories(scratch.file("images"));
        Path outside = Files.createDirectories(scratch.file("outside"));
        Path guest = Files.createDirectories(images.resolve("100"));
        Path link = Files.createSymbolicLink(scratch.file("link"), outside);
        VirConnect connect = new VirConnect(service(scratch), List.of(images + "/*/*"));
        AtomicBoolean isOver = new AtomicBoolean();
        Background<Integer> swaps = Background.of(() -> {
            int pairs = 0;
            while (!isOver.get()) {
                FileMove.exchange(guest, link);
                FileMove.exchange(guest, link);
                pairs++;
            }
            return pairs;
        });

        int made = 0;
        int refused = 0;
        try {
            while (made + refused < 2000 || made == 0 || refused == 0) {
                String file = guest + "/file-" + (made + refused);
                try {
                    connect.virStorageCreateFile(file, 1, VirConnect.VIR_STORAGE_SPARSE_FILE);
                    made++;
                } catch (StorageException e) {
                    assertThat(e.error()).isEqualTo(StorageError.PERMISSION_DENIED);
                    assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED);
                    refused++;
                }
                assertThat(made + refused).as("some of both").isLessThan(100_000);
            }
        } finally {
            isOver.set(true);
        }

        assertThat(swaps.result()).isPositive();
        assertThat(Scratch.files(outside)).isEmpty();
        try (Stream<Path> files = Files.list(guest)) {
            assertThat(files).hasSize(made);
        }
    }

    @Test
    void groupsHaveNameSizeAndFreeSpaceInKilobytes(Scratch scratch) throws IOException {
        assertThat(connect(scratch).virStorageListGroups())
                .as("those that are reached, and no directories")
                .containsExactly(new VirStorageGroup("mem", false, 1L << 30, 1L << 30));
    }

    @Test
    void createVolumeReturnsTheNameOfTheDevice(Scratch scratch) throws IOException {
        VirConnect connect = connect(scratch);

        assertThat(connect.virStorageCreateVolume("vm-100-disk-0.raw", "mem", MEBIBYTE, 0))
                .isEqualTo("memory:here/100/vm-100-disk-0.raw");

        refused(
                () -> connect.virStorageCreateVolume("vm-100-disk-0.raw", "mem", MEBIBYTE, 0),
                StorageError.ALREADY_EXISTS,
                "vm-100-disk-0.raw");
        refused(
                () -> connect.virStorageCreateVolume("vm-100-disk-1.raw", "mem", MEBIBYTE, 1),
                StorageError.BAD_PARAMETER,
                "flags are 1");
        refused(
                () -> connect.virStorageCreateVolume("disk", "mem", MEBIBYTE, 0),
                StorageError.INVALID_NAME,
                "'disk' does not say the guest");
        refused(
                () -> connect.virStorageCreateVolume("vm-100-disk-1.raw", "own", MEBIBYTE, 0),
                StorageError.NOT_SUPPORTED,
                "is no group: its volumes are files");
        refused(
                () -> connect.virStorageCreateVolume("vm-100-disk-1.raw", "none", MEBIBYTE, 0),
                StorageError.NOT_FOUND,
                "'none'");
        refused(
                () -> connect.virStorageCreateVolume("vm-100-disk-1.raw", "mem", 0, 0),
                StorageError.BAD_PARAMETER,
                "size 0 KiB");
    }
}

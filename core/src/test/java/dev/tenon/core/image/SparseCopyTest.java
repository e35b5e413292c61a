package dev.tenon.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.LoopFileSystem;
import dev.tenon.core.testing.Qemu;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SparseCopyTest {
    private static final int MEBI = 1 << 20;

    @TempDir
    Path directory;

    @Test
    void holesStayHolesAndDataStaysData() throws IOException {
        try (LoopFileSystem ext4 = LoopFileSystem.make(directory, "ext4", 300, "-q")) {
            Path source = ext4.root().resolve("source");
            sparse(source, 400L * MEBI + 17, 0, 3L * MEBI + 5, 200L * MEBI, 399L * MEBI);
            List<Long> told = new ArrayList<>();

            SparseCopy.Copied copied = SparseCopy.copy(source, target(ext4.root()), (done, total) -> {
                assertThat(total).isEqualTo(400L * MEBI + 17);
                told.add(done);
            });

            isCopied(source, target(ext4.root()));
            assertThat(copied.method()).isEqualTo(SparseCopy.Method.COPY);
            assertThat(copied.bytes()).isBetween(4L * MEBI, 5L * MEBI);
            assertThat(told).isSorted().endsWith(400L * MEBI + 17).doesNotHaveDuplicates();
            assertThat(FileStatus.of(target(ext4.root())).permissions()).isEqualTo(0640);
        }
    }

    @ParameterizedTest
    @CsvSource({"xfs, -q -m reflink=1", "btrfs, -q"})
    void theBlocksAreSharedWhereTheFileSystemCan(String type, String options) throws IOException {
        try (LoopFileSystem files = LoopFileSystem.make(directory, type, 400, options.split(" ", -1))) {
            Path source = files.root().resolve("source");
            sparse(source, 320L * MEBI + 1, 0, 100L * MEBI, 319L * MEBI);
            try (RandomAccessFile file = new RandomAccessFile(source.toFile(), "rw")) {
                file.seek(200L * MEBI);
                file.write(noise(50 * MEBI));
                file.getFD().sync();
            }
            long free = files.root().toFile().getUsableSpace();

            SparseCopy.Copied copied = SparseCopy.copy(source, target(files.root()), CopyProgress.NONE);

            assertThat(copied).isEqualTo(new SparseCopy.Copied(SparseCopy.Method.REFLINK, 0));
            isCopied(source, target(files.root()));
            assertThat(Qemu.run(
                            null, List.of("filefrag", "-v", target(files.root()).toString())))
                    .contains("shared");
            assertThat(free - files.root().toFile().getUsableSpace()).isLessThan(20L * MEBI);
            Files.delete(source);
            assertThat(FileStatus.of(target(files.root())).size()).isEqualTo(320L * MEBI + 1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"xfs", "btrfs"})
    void holesAreKeptFromOneFileSystemToAnother(String type) throws IOException {
        Path source = directory.resolve("source");
        sparse(source, 200L * MEBI + 4095, 10, 100L * MEBI, 199L * MEBI);
        try (LoopFileSystem files = LoopFileSystem.make(directory, type, 400, "-q")) {
            assertThat(SparseCopy.copy(source, target(files.root()), CopyProgress.NONE)
                            .method())
                    .isEqualTo(SparseCopy.Method.COPY);
            isCopied(source, target(files.root()));
        }
    }

    @Test
    void aFileSystemWithoutReflinksInsideXfsCopiesWithoutFillingHoles() throws IOException {
        try (LoopFileSystem xfs = LoopFileSystem.make(directory, "xfs", 400, "-q", "-m", "reflink=0")) {
            Path source = xfs.root().resolve("source");
            sparse(source, 320L * MEBI, 0, 100L * MEBI);

            assertThat(SparseCopy.copy(source, target(xfs.root()), CopyProgress.NONE)
                            .method())
                    .isEqualTo(SparseCopy.Method.COPY);
            isCopied(source, target(xfs.root()));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 511, 4096, 4097, 65535, 20 * MEBI + 1})
    void everySizeIsKeptToTheByte(long size) throws IOException {
        Path source = Files.write(directory.resolve("source"), noise((int) size));

        SparseCopy.copy(source, target(directory), CopyProgress.NONE);

        assertThat(target(directory)).hasSameBinaryContentAs(source);
    }

    @Test
    void aHugeFileThatIsOneHoleIsCopiedAsOne() throws IOException {
        Path source = directory.resolve("source");
        sparse(source, 20L << 30);

        SparseCopy.Copied copied = SparseCopy.copy(source, target(directory), CopyProgress.NONE);

        assertThat(copied.bytes()).isZero();
        assertThat(FileStatus.of(target(directory)).size()).isEqualTo(20L << 30);
        assertThat(FileStatus.of(target(directory)).allocated()).isZero();
    }

    @Test
    void aBlockDeviceIsCopiedWhole() throws IOException {
        Path image = Files.write(directory.resolve("image"), noise(3 * MEBI + 512));
        String device;
        try {
            device = Qemu.run(null, List.of("losetup", "--find", "--show", "--read-only", image.toString()))
                    .strip();
        } catch (IllegalStateException e) {
            Assumptions.abort("no loop device can be had here: " + e.getMessage());
            return;
        }
        try {
            SparseCopy.copy(Path.of(device), target(directory), CopyProgress.NONE);
            assertThat(target(directory)).hasSameBinaryContentAs(image);
        } finally {
            Qemu.run(null, List.of("losetup", "--detach", device));
        }
    }

    @Test
    void aFullFileSystemIsToldAndNothingIsLeft() throws IOException {
        Path source = Files.write(directory.resolve("source"), noise(60 * MEBI));
        try (LoopFileSystem ext4 = LoopFileSystem.make(directory, "ext4", 40, "-q")) {
            Failing.fails(
                    () -> SparseCopy.copy(source, target(ext4.root()), CopyProgress.NONE),
                    StorageError.NO_SPACE,
                    Outcome.FAILED_CLEAN,
                    "unable to copy '" + source + "' to '" + target(ext4.root()) + "': '" + target(ext4.root())
                            + "': No space left on device");
            assertThat(target(ext4.root())).doesNotExist();
        }
    }

    @Test
    void nothingIsEverOverwritten() throws IOException {
        Path source = Files.writeString(directory.resolve("source"), "new");
        Path target = Files.writeString(target(directory), "old");
        Failing.isRefused(
                () -> SparseCopy.copy(source, target, CopyProgress.NONE),
                StorageError.ALREADY_EXISTS,
                "'" + target + "': File exists");
        assertThat(target).hasContent("old");

        Path link = Files.createSymbolicLink(directory.resolve("link"), directory.resolve("nowhere"));
        Failing.isRefused(
                () -> SparseCopy.copy(source, link, CopyProgress.NONE), StorageError.ALREADY_EXISTS, "File exists");
        assertThat(directory.resolve("nowhere")).doesNotExist();
    }

    @Test
    void whatCannotBeCopiedIsRefused() {
        Path missing = directory.resolve("missing");
        Failing.isRefused(
                () -> SparseCopy.copy(missing, target(directory), CopyProgress.NONE),
                StorageError.NOT_FOUND,
                "'" + missing + "': No such file or directory");
        Failing.isRefused(
                () -> SparseCopy.copy(directory, target(directory), CopyProgress.NONE),
                StorageError.BAD_PARAMETER,
                "unable to copy '" + directory + "': it is no file and no block device");
        assertThat(target(directory)).doesNotExist();
    }

    @Test
    void anInterruptEndsTheCopyAndNothingIsLeft() throws IOException {
        Path source = Files.write(directory.resolve("source"), noise(40 * MEBI));
        try (LoopFileSystem ext4 = LoopFileSystem.make(directory, "ext4", 100, "-q")) {
            Failing.fails(
                    () -> SparseCopy.copy(
                            source,
                            target(ext4.root()),
                            (done, total) -> Thread.currentThread().interrupt()),
                    StorageError.CANCELLED,
                    Outcome.FAILED_CLEAN,
                    "the copy of '" + source + "' was cancelled after 16777216 of 41943040 bytes");
            assertThat(Thread.interrupted()).isTrue();
            assertThat(target(ext4.root())).doesNotExist();
        }
    }

    @Test
    void whatTheListenerThrowsEndsTheCopyAndNothingIsLeft() throws IOException {
        Path source = Files.write(directory.resolve("source"), noise(MEBI));
        IllegalStateException failure = new IllegalStateException("no more");
        assertThatThrownBy(() -> SparseCopy.copy(source, target(directory), (done, total) -> {
                    throw failure;
                }))
                .isSameAs(failure);
        assertThat(target(directory)).doesNotExist();
    }

    @Test
    void aSourceThatBecomesShorterMeanwhileIsNoticed() throws IOException {
        Path source = Files.write(directory.resolve("source"), noise(40 * MEBI));
        try (LoopFileSystem ext4 = LoopFileSystem.make(directory, "ext4", 100, "-q")) {
            Failing.fails(
                    () -> SparseCopy.copy(source, target(ext4.root()), (done, total) -> {
                        if (done < total) {
                            cut(source);
                        }
                    }),
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.FAILED_CLEAN,
                    "'" + source + "': it became shorter than 41943040 bytes while it was copied");
            assertThat(target(ext4.root())).doesNotExist();
        }
    }

    private static void cut(Path file) {
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.setLength(MEBI);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Path target(Path directory) {
        return directory.resolve("target");
    }

    private static byte[] noise(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    /** A file of this size with a mebibyte of data, or what is left of it, at each of these offsets. */
    private static void sparse(Path file, long size, long... data) throws IOException {
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            for (long offset : data) {
                open.seek(offset);
                open.write(noise(MEBI));
            }
            open.setLength(size);
        }
    }

    /** Same size, same bytes, and no more space taken, but for what a file system adds to the end of an extent. */
    private static void isCopied(Path source, Path target) throws IOException {
        FileStatus from = FileStatus.of(source);
        FileStatus to = FileStatus.of(target);
        assertThat(to.size()).isEqualTo(from.size());
        Qemu.run(null, List.of("cmp", source.toString(), target.toString()));
        assertThat(to.allocated()).isLessThanOrEqualTo(from.allocated() + MEBI / 4);
    }
}

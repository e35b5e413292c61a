package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.linux.ProcessIdentity;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.LoopFileSystem;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import dev.tenon.core.testing.Streams;
import dev.tenon.core.testing.Trees;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What comes in a stream becomes a volume, whole or not at all. The file is long because so many streams must leave
 * nothing.
 */
class DirImportTest {
    private static final Transfer AS_IT_IS = new Transfer(null, null, false);
    private static final Transfer WITH_SNAPSHOTS = new Transfer(null, null, true);
    private static final VolumeName RAW = new VolumeName("100/vm-100-disk-0.raw");
    private static final VolumeName QCOW2 = new VolumeName("100/vm-100-disk-0.qcow2");
    private static final VolumeName SUBVOL = new VolumeName("100/subvol-100-disk-0.subvol");
    private static final VolumeName ISO = new VolumeName("iso/a.iso");
    private static final byte[] SOME = bytes(1 << 20);

    @TempDir
    Path scratch;

    private final DirPlugin plugin = new DirPlugin();
    private Path directory = Path.of("/unset");
    private Storage storage = Storages.at(Path.of("/unset"));

    @BeforeEach
    void makeStorage() throws IOException {
        directory = Files.createDirectories(scratch.resolve("store"));
        Files.createDirectories(directory.resolve("template/iso"));
        storage = Storages.at(directory);
    }

    private static byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) 'x');
        return bytes;
    }

    private VolumeId take(VolumeName volume, String format, ImportStream stream) {
        Transfer transfer = format.equals("raw+size") || format.equals("tar+size") ? AS_IT_IS : WITH_SNAPSHOTS;
        return plugin.importVolume(storage, volume, format, transfer, false, stream);
    }

    private VolumeId take(VolumeName volume, long size, byte[] bytes) {
        String format = Path.of(volume.value()).getFileName().toString().replaceFirst(".*\\.", "");
        String word = format.equals("subvol") ? "tar" : format.equals("iso") ? "raw" : format;
        return Streams.importing(size, bytes, in -> take(volume, word + "+size", in));
    }

    private void leavesNothing(ThrowingCallable call, StorageError error, String part) {
        List<String> before = Trees.of(directory);
        Failing.fails(call, error, Outcome.FAILED_CLEAN, part);
        assertThat(Trees.of(directory)).isEqualTo(before);
    }

    private Path file(VolumeName volume) {
        return Path.of(plugin.path(storage, volume, null).path());
    }

    private List<String> names() {
        return plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                .map(image -> image.volid().volume().value())
                .toList();
    }

    @ParameterizedTest
    @CsvSource({
        "100/vm-100-disk-0.raw, zfs, false, volume import format 'zfs' not available for dir",
        "100/vm-100-disk-0.raw, raw+size, true, format raw+size cannot be imported with snapshots",
        "100/vm-100-disk-0.qcow2, qcow2+size, false, format qcow2+size cannot be imported without snapshots",
        "100/vm-100-disk-0.qcow2, raw+size, false, cannot import format raw+size into a file of format qcow2",
        "100/vm-100-disk-0.raw, qcow2+size, true, cannot import format qcow2+size into a file of format raw",
        "100/vm-100-disk-0.raw, tar+size, false, cannot import format tar+size into a file of format raw",
        "iso/a.iso, qcow2+size, true, volume import format 'qcow2+size' not available for dir",
        "backup/a.tgz, raw+size, false, volume import format 'raw+size' not available for dir",
        "import/a.ova/b.raw, raw+size, false, volume import format 'raw+size' not available for dir",
        "100/base-100-disk-0.raw/101/vm-101-disk-0.raw, raw+size, false, import it as '101/vm-101-disk-0.raw'"
    })
    void takesNoOtherFormats(String volume, String format, boolean withSnapshots, String why) {
        List<String> before = Trees.of(directory);
        Transfer transfer = new Transfer(null, null, withSnapshots);

        Failing.isRefused(
                () -> Streams.importing(
                        SOME.length,
                        SOME,
                        in -> plugin.importVolume(storage, new VolumeName(volume), format, transfer, false, in)),
                StorageError.NOT_SUPPORTED,
                why);
        assertThat(Trees.of(directory)).isEqualTo(before);
    }

    @Test
    void takesNothingWhereTheStorageIsNotThere() {
        storage = Storages.at(scratch.resolve("missing"));

        Failing.isRefused(
                () -> take(RAW, SOME.length, SOME),
                StorageError.STORAGE_UNAVAILABLE,
                "does not exist or is unreachable");
        Failing.isRefused(
                () -> take(ISO, SOME.length, SOME),
                StorageError.STORAGE_UNAVAILABLE,
                "does not exist or is unreachable");
        assertThat(scratch.resolve("missing")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"100/vm-100-disk-0.raw", "iso/a.iso"})
    void neverReplacesWhatIsThere(String name) throws IOException {
        VolumeName volume = new VolumeName(name);
        Files.createDirectories(file(volume).getParent());
        Files.writeString(file(volume), "as before");
        List<String> before = Trees.of(directory);

        Failing.isRefused(
                () -> take(volume, SOME.length, SOME),
                StorageError.ALREADY_EXISTS,
                "file '" + file(volume) + "' already exists");
        assertThat(Trees.of(directory)).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"100/vm-100-disk-0.raw", "iso/a.iso"})
    void neverReplacesWhatHasComeMeanwhile(String name) throws IOException {
        VolumeName volume = new VolumeName(name);
        Files.createDirectories(file(volume).getParent());

        Failing.fails(
                () -> Streams.written(
                        out -> {
                            out.write(new byte[] {0, 0, 16, 0, 0, 0, 0, 0});
                            out.write(SOME, 0, SOME.length - 1);
                            out.flush();
                            Files.writeString(file(volume), "somebody else's");
                            out.write(1);
                        },
                        in -> take(volume, "raw+size", in)),
                StorageError.ALREADY_EXISTS,
                Outcome.FAILED_CLEAN,
                "file '" + file(volume) + "' already exists");
        assertThat(file(volume)).hasContent("somebody else's");
        assertThat(file(volume).toFile().getParentFile().list())
                .containsExactly(file(volume).toFile().getName());
    }

    @Test
    void takesAnotherNameIfItMay() throws IOException {
        take(RAW, SOME.length, SOME);

        VolumeId renamed = Streams.importing(
                SOME.length, SOME, in -> plugin.importVolume(storage, RAW, "raw+size", AS_IT_IS, true, in));

        assertThat(renamed).hasToString("store:100/vm-100-disk-1.raw");
        assertThat(Files.readAllBytes(file(renamed.volume()))).isEqualTo(SOME);
    }

    @Test
    void takesNoOtherNameForWhatIsNoImage() throws IOException {
        Files.writeString(file(ISO), "as before");

        Failing.isRefused(
                () -> Streams.importing(
                        SOME.length, SOME, in -> plugin.importVolume(storage, ISO, "raw+size", AS_IT_IS, true, in)),
                StorageError.ALREADY_EXISTS,
                "already exists");
    }

    @ParameterizedTest
    @ValueSource(strings = {"100/vm-100-disk-0.raw", "100/subvol-100-disk-0.subvol"})
    void takesManyOfOneNameAtOnce(String name) throws Exception {
        VolumeName volume = new VolumeName(name);
        boolean isTree = volume.equals(SUBVOL);
        byte[] bytes = isTree ? archive("file", "content") : SOME;
        CountDownLatch allRead = new CountDownLatch(8);
        List<Future<String>> imports;
        try (var threads = Executors.newCachedThreadPool()) {
            imports = IntStream.range(0, 8)
                    .mapToObj(number -> threads.submit(() -> Streams.written(
                            out -> {
                                out.write(new byte[] {0, 0, (byte) (isTree ? 0 : 16), 0, 0, 0, 0, 0});
                                out.flush();
                                allRead.countDown();
                                awaitAll(allRead);
                                out.write(bytes);
                            },
                            in -> plugin.importVolume(
                                            storage, volume, isTree ? "tar+size" : "raw+size", AS_IT_IS, true, in)
                                    .volume()
                                    .value())))
                    .toList();
        }
        Set<String> made = new TreeSet<>();
        for (Future<String> each : imports) {
            made.add(each.get());
        }

        assertThat(made).hasSize(8).contains(name);
        assertThat(names()).containsExactlyInAnyOrderElementsOf(made);
        assertThat(directory.resolve("images/100").toFile().list()).hasSize(8);
    }

    private static void awaitAll(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private byte[] archive(String file, String content) throws IOException {
        Path tree = Files.createDirectories(scratch.resolve("tree"));
        Files.writeString(tree.resolve(file), content);
        Path archive = scratch.resolve("tree.tar");
        Qemu.run(tree, List.of("tar", "-cf", archive.toString(), "."));
        return Files.readAllBytes(archive);
    }

    @ParameterizedTest
    @CsvSource({
        "100/vm-100-disk-0.raw, 9223372036854775807, BAD_PARAMETER, no image can be larger than",
        "100/subvol-100-disk-0.subvol, 1024, NOT_SUPPORTED, storage does not support subvol quotas"
    })
    void refusesSizesThatNoVolumeHas(String volume, long size, StorageError error, String why) {
        leavesNothing(() -> take(new VolumeName(volume), size, SOME), error, why);
    }

    @Test
    void refusesANegativeSize() {
        assertThatThrownBy(() -> take(RAW, Long.MIN_VALUE, SOME))
                .hasMessageContaining("9223372036854775808")
                .isInstanceOf(StorageException.class);
        assertThat(names()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"100/vm-100-disk-0.raw", "iso/a.iso"})
    void refusesAStreamThatEndsTooEarlyOrTooLate(String name) {
        VolumeName volume = new VolumeName(name);

        for (long size :
                new long[] {SOME.length - 1, SOME.length - 512, SOME.length + 1, SOME.length + 512, 1L << 40}) {
            leavesNothing(() -> take(volume, size, SOME), StorageError.STREAM_BROKEN, "");
        }
        leavesNothing(() -> take(volume, SOME.length, new byte[0]), StorageError.STREAM_BROKEN, "");
    }

    @ParameterizedTest
    @ValueSource(strings = {"100/vm-100-disk-0.raw", "iso/a.iso"})
    void takesASizeThatPveHasRoundedUpToSectors(String name) throws IOException {
        VolumeName volume = new VolumeName(name);
        byte[] odd = bytes(1_000_001);

        take(volume, 1_000_448, odd);

        assertThat(Files.readAllBytes(file(volume))).isEqualTo(odd);
    }

    @Test
    void takesAnEmptyFileThatIsNoImage() {
        take(ISO, 0, new byte[0]);

        assertThat(file(ISO)).isEmptyFile();
    }

    @Test
    void refusesWhatIsNoStream() {
        leavesNothing(
                () -> Streams.written(out -> out.write(1), in -> take(RAW, "raw+size", in)),
                StorageError.STREAM_BROKEN,
                "");
    }

    private Path qcow2(String... options) {
        Path image = scratch.resolve("image.qcow2");
        String[] arguments =
                Stream.concat(Stream.of("-f", "qcow2"), Stream.of(options)).toArray(String[]::new);
        Qemu.create(scratch, arguments);
        return image;
    }

    private void isUnsafe(byte[] image, String why) {
        leavesNothing(() -> take(QCOW2, 8 << 20, image), StorageError.UNSAFE_IMAGE, why);
    }

    @Test
    void refusesImagesThatNameOtherFiles() throws IOException {
        Path other = scratch.resolve("other.raw");
        Files.write(other, SOME);

        isUnsafe(
                Files.readAllBytes(qcow2("-u", "-b", other.toString(), "-F", "raw", "image.qcow2", "8M")),
                "backing file");
        isUnsafe(
                Files.readAllBytes(qcow2("-u", "-b", "vm-101-disk-0.raw", "-F", "raw", "image.qcow2", "8M")),
                "backing file");
        isUnsafe(
                Files.readAllBytes(qcow2("-o", "data_file=" + scratch.resolve("data.raw"), "image.qcow2", "8M")),
                "it keeps its data in another file");
        isUnsafe(SOME, "Image is not in qcow2 format");
    }

    @Test
    void refusesAVmdkImageThatIsOnlyADescriptor() throws IOException {
        Qemu.create(scratch, "-f", "vmdk", "-o", "subformat=monolithicFlat", "image.vmdk", "8M");
        byte[] image = Files.readAllBytes(scratch.resolve("image.vmdk"));

        leavesNothing(
                () -> take(new VolumeName("100/vm-100-disk-0.vmdk"), 8 << 20, image), StorageError.UNSAFE_IMAGE, "");
    }

    @Test
    void refusesAnImageOfAnotherSizeThanTheStreamSays() throws IOException {
        byte[] image = Files.readAllBytes(qcow2("image.qcow2", "8M"));

        leavesNothing(
                () -> take(QCOW2, 4 << 20, image),
                StorageError.STREAM_BROKEN,
                "says that its size is 4194304 bytes, but the image has 8388608");
    }

    @ParameterizedTest
    @ValueSource(strings = {"qcow2", "vmdk"})
    void refusesAnImageOfWhichTheEndIsMissing(String format) throws IOException {
        Path image = scratch.resolve("image." + format);
        Qemu.create(scratch, "-f", format, image.toString(), "8M");
        Qemu.run(scratch, List.of("qemu-io", "-f", format, "-c", "write -P 1 0 4M", image.toString()));
        byte[] whole = Files.readAllBytes(image);
        byte[] part = Arrays.copyOf(whole, whole.length / 2);

        leavesNothing(
                () -> take(new VolumeName("100/vm-100-disk-0." + format), 8 << 20, part),
                StorageError.STREAM_BROKEN,
                "not all of the image has come");
    }

    @Test
    void refusesAnImageToBeImportedThatIsNone() throws IOException {
        Files.createDirectories(directory.resolve("import"));
        VolumeName volume = new VolumeName("import/a.qcow2");

        leavesNothing(
                () -> Streams.importing(SOME.length, SOME, in -> take(volume, "raw+size", in)),
                StorageError.UNSAFE_IMAGE,
                "Image is not in qcow2 format");
    }

    @Test
    void leavesNothingOfAnArchiveThatIsNone() throws IOException {
        byte[] archive = archive("file", "content".repeat(10_000));
        // the headers of the directory and of the file, and what is in it up to a whole block
        int withoutEnd = 512 + 512 + 70_144;
        for (byte[] wrong : List.of(SOME, Arrays.copyOf(archive, 5_000), Arrays.copyOf(archive, withoutEnd))) {
            List<String> before = Trees.of(directory);
            // tar and the end of the stream are looked at at once, and either may say it first
            assertThatThrownBy(() -> take(SUBVOL, 0, wrong))
                    .isInstanceOfSatisfying(StorageException.class, e -> {
                        assertThat(e.error()).isIn(StorageError.COMMAND_FAILED, StorageError.STREAM_BROKEN);
                        assertThat(e.outcome()).isEqualTo(Outcome.FAILED_CLEAN);
                    })
                    .hasMessageMatching("tar failed: .*|.*the archive ended too early");
            assertThat(Trees.of(directory)).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"100/vm-100-disk-0.raw", "100/subvol-100-disk-0.subvol", "iso/a.iso"})
    void leavesNothingIfItIsInterrupted(String volumeName) throws Exception {
        VolumeName volume = new VolumeName(volumeName);
        byte[] archive = archive("file", "content".repeat(100_000));
        List<String> before = Trees.of(directory);
        CountDownLatch over = new CountDownLatch(1);
        CompletableFuture<StorageException> failure = new CompletableFuture<>();
        CompletableFuture<Boolean> isStillInterrupted = new CompletableFuture<>();
        boolean isTree = volume.equals(SUBVOL);
        Thread importing = Thread.ofPlatform().start(() -> {
            try {
                Streams.written(
                        out -> {
                            out.write(new byte[] {0, 0, (byte) (isTree ? 0 : 16), 0, 0, 0, 0, 0});
                            out.write(archive, 0, 300_000);
                            out.flush();
                            awaitAll(over);
                        },
                        in -> {
                            try {
                                return take(volume, isTree ? "tar+size" : "raw+size", in);
                            } finally {
                                isStillInterrupted.complete(Thread.interrupted());
                                over.countDown();
                            }
                        });
                failure.completeExceptionally(new AssertionError("the import was not interrupted"));
            } catch (StorageException e) {
                failure.complete(e);
            }
        });
        String name = String.valueOf(file(volume).getFileName());
        await().until(() ->
                Trees.of(directory).stream().anyMatch(path -> path.matches(".*/[.]tenon-[^/]+/" + name + ".*")));

        importing.interrupt();

        assertThat(failure.get().error()).isEqualTo(StorageError.CANCELLED);
        assertThat(failure.get().outcome()).isEqualTo(Outcome.FAILED_CLEAN);
        assertThat(isStillInterrupted.get()).isTrue();
        assertThat(Trees.of(directory)).isEqualTo(before);
        importing.join();
    }

    @Test
    void leavesNothingWhereThereIsNoSpace() throws IOException {
        Path image = qcow2("image.qcow2", "64M");
        Qemu.run(scratch, List.of("qemu-io", "-f", "qcow2", "-c", "write -P 1 0 32M", image.toString()));
        byte[] tooMuch = Files.readAllBytes(image);
        byte[] archive = archive("file", "content".repeat(5_000_000));
        try (LoopFileSystem disk = LoopFileSystem.make(scratch, "ext4", 24, "-q", "-m", "0", "-O", "^has_journal")) {
            directory = disk.root();
            storage = Storages.at(directory);
            Files.createDirectories(directory.resolve("template/iso"));

            leavesNothing(() -> take(QCOW2, 64 << 20, tooMuch), StorageError.NO_SPACE, "No space left on device");
            leavesNothing(() -> take(RAW, tooMuch.length, tooMuch), StorageError.NO_SPACE, "No space left on device");
            leavesNothing(() -> take(ISO, tooMuch.length, tooMuch), StorageError.NO_SPACE, "No space left on device");
            leavesNothing(() -> take(SUBVOL, 0, archive), StorageError.NO_SPACE, "tar failed: tar: ");
            disk.fill();
            leavesNothing(() -> take(RAW, SOME.length, SOME), StorageError.NO_SPACE, "No space left on device");
            leavesNothing(() -> take(SUBVOL, 0, archive), StorageError.NO_SPACE, "No space left on device");
        }
    }

    @Test
    void tellsAFullDiskThatIsExportedTo() throws IOException {
        take(RAW, SOME.length, SOME);
        List<String> before = Trees.of(directory);
        try (LoopFileSystem disk = LoopFileSystem.make(scratch, "ext4", 8, "-q", "-m", "0", "-O", "^has_journal")) {
            disk.fill();

            Failing.isRefused(
                    () -> Streams.exportInto(
                            disk.root().resolve("stream"),
                            out -> plugin.exportVolume(storage, RAW, "raw+size", AS_IT_IS, out)),
                    StorageError.NO_SPACE,
                    "No space left on device");
            disk.empty();
            Qemu.run(
                    scratch,
                    List.of(
                            "fallocate",
                            "-l",
                            "6M",
                            disk.root().resolve("ballast").toString()));
            take(new VolumeName("100/vm-100-disk-1.raw"), 4 << 20, bytes(4 << 20));
            Failing.fails(
                    () -> Streams.exportInto(
                            disk.root().resolve("half"),
                            out -> plugin.exportVolume(
                                    storage, new VolumeName("100/vm-100-disk-1.raw"), "raw+size", AS_IT_IS, out)),
                    StorageError.NO_SPACE,
                    Outcome.FAILED_CLEAN,
                    "No space left on device");
        }
        assertThat(Trees.of(directory)).containsAll(before);
    }

    @Test
    void protectsABaseImage() throws IOException {
        VolumeName base = new VolumeName("100/base-100-disk-0.raw");

        take(base, SOME.length, SOME);

        try {
            assertThat(Files.getPosixFilePermissions(file(base))).hasSize(3);
            assertThat(plugin.examinable().orElseThrow().examine(storage, List.of()))
                    .isEmpty();
        } finally {
            plugin.freeImage(storage, base, true, null);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"images/100", "template/iso", "template/cache", "snippets", "import"})
    void cleansUpAfterACrash(String place) throws IOException {
        ProcessIdentity own = ProcessIdentity.own();
        String dead = new ProcessIdentity(own.node(), own.boot(), own.pid(), own.start() - 1).toString();
        Path staging = directory.resolve(place).resolve(".tenon-" + dead + "-0123456789abcdef");
        Path left = staging.resolve("subvol-100-disk-0.subvol/etc");
        Files.createDirectories(left);
        Files.write(left.resolve("passwd"), "root".getBytes(StandardCharsets.UTF_8));

        assertThat(plugin.examinable().orElseThrow().examine(storage, List.of()))
                .filteredOn(finding -> finding.kind() == Finding.Kind.UNFINISHED)
                .singleElement()
                .satisfies(finding -> {
                    assertThat(finding.place()).isEqualTo(staging.toString());
                    ((Finding.Remedy.Automatic) finding.remedy()).work().run();
                });
        assertThat(staging).doesNotExist();

        Files.createDirectories(left);
        new DirPlugin().activateStorage(storage, OperationCache.create());
        assertThat(staging).doesNotExist();
    }
}

package dev.tenon.core.service;

import static dev.tenon.core.service.ServiceFixture.GUEST;
import static dev.tenon.core.service.ServiceFixture.LOCAL;
import static dev.tenon.core.testing.Failing.fails;
import static dev.tenon.core.testing.Failing.isRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.core.testing.Qemu;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Full copies of real images between real directories. */
class ImageCopyingTest {
    private static final StorageId OTHER = new StorageId("other");
    private static final Vmid RECEIVER = new Vmid(200);
    private static final ByteSize SIZE = ByteSize.ofKib(8192);
    private static final int PATTERN = 0x5a;

    @TempDir
    Path scratch = Path.of("");

    private StorageService service = new ServiceFixture(Path.of("")).over(Path.of(""));

    @BeforeEach
    void makeService() throws IOException {
        ServiceFixture fixture = new ServiceFixture(scratch).type(new DirPlugin());
        fixture.types.put("dir", new DirPlugin());
        service = fixture.service(
                "dir: fast\n\tpath " + fixture.directory("fast") + "\n",
                "dir: other\n\tpath " + fixture.directory("other") + "\n",
                "dir: chain\n\tpath " + fixture.directory("chain") + "\n\tsnapshot-as-volume-chain 1\n");
    }

    private VolumeId filled(StorageId storage, Format.Image format) {
        VolumeId volume = service.allocImage(storage, GUEST, format, null, SIZE);
        Qemu.fill(file(volume), format.word(), PATTERN);
        return volume;
    }

    private Path file(VolumeId volume) {
        return Path.of(service.path(volume, null).path());
    }

    private static CopyTarget to(StorageId storage) {
        return new CopyTarget(storage, RECEIVER, null, null);
    }

    @ParameterizedTest
    @EnumSource(
            value = Format.Image.class,
            names = {"RAW", "QCOW2", "VMDK"})
    void aCopyHoldsTheSameAndTakesNoMoreSpace(Format.Image format) throws IOException {
        VolumeId volume = filled(LOCAL, format);

        VolumeId copy = service.copyImage(volume, null, to(OTHER), OptionalLong.empty(), CopyProgress.NONE);

        assertThat(copy).hasToString("other:200/vm-200-disk-0." + format.word());
        assertThat(Qemu.isFilled(file(copy), format.word(), PATTERN)).isTrue();
        Qemu.run(
                scratch,
                List.of(
                        "qemu-img",
                        "compare",
                        "-s",
                        "-f",
                        format.word(),
                        "-F",
                        format.word(),
                        file(volume).toString(),
                        file(copy).toString()));
        assertThat(FileStatus.of(file(copy)).allocated())
                .isLessThanOrEqualTo(FileStatus.of(file(volume)).allocated());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file(copy))))
                .isEqualTo("rw-r-----");
        assertThat(leftIn("other")).containsExactly("vm-200-disk-0." + format.word());
    }

    private List<String> leftIn(String storage) throws IOException {
        try (Stream<Path> files = Files.walk(scratch.resolve(storage).resolve("images"))) {
            return files.filter(file -> !file.endsWith("images") && !file.endsWith(RECEIVER.toString()))
                    .map(file -> String.valueOf(file.getFileName()))
                    .toList();
        }
    }

    @Test
    void aCopyGetsTheNameAndTheFormatThatAreWanted() throws IOException {
        VolumeId volume = filled(LOCAL, Format.Image.QCOW2);

        VolumeId copy = service.copyImage(
                volume,
                null,
                new CopyTarget(LOCAL, GUEST, Format.Image.RAW, "vm-100-copy.raw"),
                OptionalLong.empty(),
                CopyProgress.NONE);

        assertThat(copy).hasToString("fast:100/vm-100-copy.raw");
        assertThat(Qemu.isFilled(file(copy), "raw", PATTERN)).isTrue();
        isRefused(
                () -> service.copyImage(
                        volume,
                        null,
                        new CopyTarget(LOCAL, GUEST, null, "vm-100-copy.raw"),
                        OptionalLong.empty(),
                        CopyProgress.NONE),
                StorageError.INVALID_NAME,
                "does not match requested format");
        isRefused(
                () -> service.copyImage(
                        volume,
                        null,
                        new CopyTarget(LOCAL, GUEST, Format.Image.RAW, "vm-100-copy.raw"),
                        OptionalLong.empty(),
                        CopyProgress.NONE),
                StorageError.ALREADY_EXISTS,
                "vm-100-copy.raw' already exists");
        assertThat(service.listImages(LOCAL, ImageFilter.all(), null).get(LOCAL))
                .hasSize(2);
    }

    @Test
    void aLinkedCloneBecomesIndependentOfItsBase() {
        VolumeId base = service.createBase(filled(LOCAL, Format.Image.QCOW2));
        VolumeId clone = service.cloneImage(base, GUEST, null);

        VolumeId copy = service.copyImage(clone, null, to(OTHER), OptionalLong.empty(), CopyProgress.NONE);

        assertThat(Qemu.info(file(copy), "qcow2").backingFile()).isNull();
        assertThat(Qemu.isFilled(file(copy), "qcow2", PATTERN)).isTrue();
        service.freeImage(clone);
        service.freeImage(base); // which would keep the scratch directory from being removed
    }

    @Test
    void aSnapshotInsideTheImageIsCopiedWithoutWhatCameLater() {
        VolumeId volume = filled(LOCAL, Format.Image.QCOW2);
        SnapshotName snapshot = new SnapshotName("before");
        service.snapshotVolume(volume, snapshot);
        Qemu.fill(file(volume), "qcow2", 1);

        VolumeId old = service.copyImage(volume, snapshot, to(OTHER), OptionalLong.empty(), CopyProgress.NONE);
        VolumeId now = service.copyImage(volume, null, to(OTHER), OptionalLong.empty(), CopyProgress.NONE);

        assertThat(Qemu.isFilled(file(old), "qcow2", PATTERN)).isTrue();
        assertThat(Qemu.isFilled(file(now), "qcow2", 1)).isTrue();
        assertThat(service.snapshots(now)).isEmpty();
    }

    @Test
    void aSnapshotOfAChainIsCopiedWithoutTheChain() {
        VolumeId volume = filled(new StorageId("chain"), Format.Image.QCOW2);
        SnapshotName snapshot = new SnapshotName("before");
        service.snapshotVolume(volume, snapshot);
        Qemu.fill(file(volume), "qcow2", 1);

        VolumeId old = service.copyImage(volume, snapshot, to(OTHER), OptionalLong.empty(), CopyProgress.NONE);
        VolumeId now = service.copyImage(volume, null, to(OTHER), OptionalLong.empty(), CopyProgress.NONE);

        assertThat(Qemu.isFilled(file(old), "qcow2", PATTERN)).isTrue();
        assertThat(Qemu.isFilled(file(now), "qcow2", 1)).isTrue();
        assertThat(Qemu.info(file(now), "qcow2").backingFile()).isNull();
    }

    @ParameterizedTest
    @EnumSource(
            value = Format.Image.class,
            names = {"RAW", "QCOW2"})
    void progressEndsWithAllThatThereIs(Format.Image format) {
        VolumeId volume = filled(LOCAL, Format.Image.RAW);
        List<Long> done = new ArrayList<>();

        service.copyImage(
                volume, null, new CopyTarget(OTHER, RECEIVER, format, null), OptionalLong.empty(), (bytes, total) -> {
                    assertThat(total).isEqualTo(SIZE.bytes());
                    done.add(bytes);
                });

        assertThat(done).isSorted().endsWith(SIZE.bytes());
    }

    @Test
    void aCopyThatIsCancelledLeavesNothing() throws IOException {
        VolumeId volume = filled(LOCAL, Format.Image.RAW);

        for (Format.Image format : List.of(Format.Image.RAW, Format.Image.QCOW2)) {
            fails(
                    () -> service.copyImage(
                            volume,
                            null,
                            new CopyTarget(OTHER, RECEIVER, format, null),
                            OptionalLong.empty(),
                            cancelling()),
                    StorageError.CANCELLED,
                    Outcome.FAILED_CLEAN,
                    "");
            assertThat(Thread.interrupted()).isTrue();
        }

        assertThat(leftIn("other")).isEmpty();
    }

    /** Interrupts the thread that copies as soon as anything is copied. */
    private static CopyProgress cancelling() {
        Thread copying = Thread.currentThread();
        return (done, total) -> copying.interrupt();
    }

    @Test
    void aStorageWithoutFilesGetsAVolumeThatIsWrittenOverAndRemovedIfThatFails() throws IOException {
        ServiceFixture fixture = new ServiceFixture(scratch);
        fixture.types.put("dir", plainly(new DirPlugin()));
        StorageService plain = fixture.service(
                "dir: fast\n\tpath " + fixture.directory("fast") + "\n",
                "dir: other\n\tpath " + fixture.directory("other") + "\n");
        VolumeId volume = plain.allocImage(LOCAL, GUEST, Format.Image.RAW, null, SIZE);
        Qemu.fill(Path.of(plain.path(volume, null).path()), "raw", PATTERN);

        VolumeId copy = plain.copyImage(volume, null, to(OTHER), OptionalLong.empty(), CopyProgress.NONE);
        assertThat(Qemu.isFilled(Path.of(plain.path(copy, null).path()), "raw", PATTERN))
                .isTrue();
        plain.freeImage(copy);

        fails(
                () -> plain.copyImage(volume, null, to(OTHER), OptionalLong.empty(), cancelling()),
                StorageError.CANCELLED,
                Outcome.FAILED_CLEAN,
                "");
        assertThat(Thread.interrupted()).isTrue();
        assertThat(leftIn("other")).isEmpty();
    }

    /** A plugin of which only PVE's API can be seen, as of one in another process. */
    private static StoragePlugin plainly(StoragePlugin plugin) {
        return (StoragePlugin) Proxy.newProxyInstance(
                StoragePlugin.class.getClassLoader(), new Class<?>[] {StoragePlugin.class}, (proxy, method, args) -> {
                    if (method.getName().equals("imageFiles")) {
                        return Optional.empty();
                    }
                    try {
                        return method.invoke(plugin, args);
                    } catch (InvocationTargetException e) {
                        throw Objects.requireNonNull(e.getCause());
                    }
                });
    }

    @Test
    void aDirectoryAndAFormatThatTheTargetDoesNotTakeAreRefused() {
        VolumeId subvol = service.allocImage(LOCAL, GUEST, Format.Image.SUBVOL, null, ByteSize.ofBytes(0));

        isRefused(
                () -> service.copyImage(subvol, null, to(OTHER), OptionalLong.empty(), CopyProgress.NONE),
                StorageError.NOT_SUPPORTED,
                "is an image of format 'subvol', and only raw, qcow2 and vmdk images can be copied as one");
        isRefused(
                () -> service.copyImage(
                        filled(LOCAL, Format.Image.RAW),
                        null,
                        new CopyTarget(OTHER, RECEIVER, Format.Image.SUBVOL, null),
                        OptionalLong.empty(),
                        CopyProgress.NONE),
                StorageError.NOT_SUPPORTED,
                "unsupported format 'subvol' for storage 'other'");
    }
}

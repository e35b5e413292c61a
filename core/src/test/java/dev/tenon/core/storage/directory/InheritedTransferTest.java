package dev.tenon.core.storage.directory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import dev.tenon.core.testing.Streams;
import dev.tenon.core.testing.Trees;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Export and import as a plugin inherits them that has methods of its own. */
class InheritedTransferTest {
    private static final Transfer AS_IT_IS = new Transfer(null, null, false);
    private static final Transfer WITH_SNAPSHOTS = new Transfer(null, null, true);
    private static final VolumeName RAW = new VolumeName("100/vm-100-disk-0.raw");
    private static final byte[] SOME = new byte[(1 << 20) + 5];

    static {
        Arrays.fill(SOME, 0, 1 << 19, (byte) 'x');
    }

    @TempDir
    Path directory;

    private final Map<String, Function<Object[], Object>> own = new HashMap<>();
    private final List<String> called = new ArrayList<>();
    private Storage storage = Storages.at(Path.of("/unset"));

    @BeforeEach
    void makeStorage() {
        storage = Storages.at(directory);
    }

    /** Keeps its volumes as a directory storage does, by methods of its own, and inherits only the transfers. */
    private StoragePlugin plugin() {
        DirPlugin methods = new DirPlugin();
        StoragePlugin[] self = new StoragePlugin[1];
        self[0] = (StoragePlugin) Proxy.newProxyInstance(
                InheritedTransferTest.class.getClassLoader(),
                new Class<?>[] {StoragePlugin.class},
                (_, method, arguments) -> {
                    called.add(method.getName());
                    Function<Object[], Object> override = own.get(method.getName());
                    if (override != null) {
                        return override.apply(arguments);
                    }
                    boolean isInherited = method.getName().equals("exportVolume")
                            || method.getName().equals("importVolume");
                    try {
                        return method.invoke(isInherited ? new InheritedBase(self[0]) : methods, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
        return self[0];
    }

    private VolumeId take(VolumeName volume, String format, boolean allowRename, long size, byte[] bytes) {
        Transfer transfer = format.startsWith("raw") || format.startsWith("tar") ? AS_IT_IS : WITH_SNAPSHOTS;
        return Streams.importing(
                size, bytes, in -> plugin().importVolume(storage, volume, format, transfer, allowRename, in));
    }

    @Test
    void letsThePluginAllocateAndFillsWhatItMade() throws IOException {
        VolumeId made = take(RAW, "raw+size", false, SOME.length, SOME);

        assertThat(made).hasToString("store:" + RAW);
        assertThat(called).contains("allocImage").doesNotContain("freeImage");
        assertThat(Files.readAllBytes(directory.resolve("images/100/vm-100-disk-0.raw")))
                .isEqualTo(SOME);
    }

    @Test
    void fillsAnImageFileThatIsShorterThanTheAllocatedOne() throws IOException {
        Path image = directory.resolve("image.qcow2");
        Qemu.create(directory, "-f", "qcow2", "-o", "preallocation=off", image.toString(), "64M");
        byte[] bytes = Files.readAllBytes(image);
        storage = Storages.at(directory, "preallocation", "full");

        take(new VolumeName("100/vm-100-disk-0.qcow2"), "qcow2+size", false, 64 << 20, bytes);

        assertThat(Files.readAllBytes(directory.resolve("images/100/vm-100-disk-0.qcow2")))
                .isEqualTo(bytes);
    }

    @Test
    void fillsASubvolume() throws IOException {
        Path tree = Files.createDirectory(directory.resolve("tree"));
        Files.writeString(tree.resolve("file"), "content");
        Qemu.run(tree, List.of("tar", "-cf", "../tree.tar", "."));

        take(
                new VolumeName("100/subvol-100-disk-0.subvol"),
                "tar+size",
                false,
                0,
                Files.readAllBytes(directory.resolve("tree.tar")));

        assertThat(directory.resolve("images/100/subvol-100-disk-0.subvol/file"))
                .hasContent("content");
    }

    @Test
    void letsThePluginChooseAnotherName() {
        take(RAW, "raw+size", false, SOME.length, SOME);

        Failing.isRefused(
                () -> take(RAW, "raw+size", false, SOME.length, SOME), StorageError.ALREADY_EXISTS, "already exists");
        assertThat(take(RAW, "raw+size", true, SOME.length, SOME)).hasToString("store:100/vm-100-disk-1.raw");
    }

    @Test
    void freesWhatItCannotFill() throws IOException {
        Files.createDirectory(directory.resolve("images"));
        List<String> before = Trees.of(directory);

        Failing.fails(
                () -> take(RAW, "raw+size", false, SOME.length + 1000, SOME),
                StorageError.STREAM_BROKEN,
                Outcome.FAILED_CLEAN,
                "");
        assertThat(called).contains("freeImage");
        assertThat(Trees.of(directory)).isEqualTo(before);
    }

    @Test
    void namesTheVolumeThatItCannotFree() {
        own.put("freeImage", _ -> {
            throw StorageException.refused(StorageError.IN_USE, "busy");
        });

        Failing.fails(
                () -> take(RAW, "raw+size", false, SOME.length + 1000, SOME),
                StorageError.STREAM_BROKEN,
                Outcome.UNKNOWN,
                "the unfinished volume 'store:" + RAW + "' is left, remove it");
        assertThat(directory.resolve("images/100/vm-100-disk-0.raw")).exists();
    }

    @Test
    void freesWhatThePluginCallsOtherwiseThanItWasTold() {
        DirPlugin methods = new DirPlugin();
        own.put(
                "allocImage",
                arguments -> methods.allocImage(
                        storage, (Vmid) arguments[1], (Format) arguments[2], "vm-100-other.raw", (ByteSize)
                                arguments[4]));

        Failing.fails(
                () -> take(RAW, "raw+size", false, SOME.length, SOME),
                StorageError.BAD_RESULT,
                Outcome.FAILED_CLEAN,
                "unexpected allocated name: '100/vm-100-other.raw' != '" + RAW + "'");
        assertThat(methods.listImages(storage, ImageFilter.all(), OperationCache.create()))
                .isEmpty();
    }

    @Test
    void receivesOtherContentWhereThePluginHasIt() throws IOException {
        Path odd = Files.createDirectories(directory.resolve("odd")).resolve("place.iso");
        own.put("path", _ -> new VolumePath(odd.toString(), null, null));

        take(new VolumeName("iso/a.iso"), "raw+size", false, SOME.length, SOME);

        assertThat(Files.readAllBytes(odd)).isEqualTo(SOME);
        assertThat(odd.toFile().getParentFile().list()).containsExactly("place.iso");
        assertThat(called).doesNotContain("allocImage");
    }

    @Test
    void sendsFromWhereThePluginHasIt() throws IOException {
        Path odd = Files.createDirectories(directory.resolve("odd")).resolve("place.raw");
        Files.write(odd, SOME);
        own.put("path", _ -> new VolumePath(odd.toString(), new Vmid(100), null));

        Path stream = directory.resolve("stream");
        Streams.export(stream, out -> plugin().exportVolume(storage, RAW, "raw+size", AS_IT_IS, out));

        byte[] sent = Files.readAllBytes(stream);
        assertThat(Arrays.copyOfRange(sent, Long.BYTES, sent.length)).isEqualTo(SOME);
    }

    @Test
    void sendsNothingInAFormatThatOnlyThePluginKnows() {
        own.put("exportFormats", _ -> List.of("zfs"));

        Failing.isRefused(
                () -> Streams.exportOnly(1, out -> plugin().exportVolume(storage, RAW, "zfs", AS_IT_IS, out)),
                StorageError.NOT_SUPPORTED,
                "volume export format zfs not available");
    }

    @Test
    void writesAllOfABlockDeviceThatThePluginMade() throws IOException {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root may make a block device");
        Path disk = directory.resolve("disk");
        byte[] image = Arrays.copyOf(SOME, 1 << 20);
        byte[] before = new byte[1 << 20];
        Arrays.fill(before, (byte) 'o');
        Files.write(disk, before);
        String device = Qemu.run(directory, List.of("losetup", "-f", "--show", disk.toString()))
                .strip();
        try {
            own.put("allocImage", _ -> RAW);
            own.put("freeImage", _ -> Optional.empty());
            own.put(
                    "path",
                    _ -> new VolumePath(
                            called.contains("allocImage") ? device : "/dev/none/such", new Vmid(100), null));

            assertThat(take(RAW, "raw+size", false, image.length, image)).hasToString("store:" + RAW);
            assertThat(Files.readAllBytes(disk)).isEqualTo(image);

            called.clear();
            Failing.fails(
                    () -> take(RAW, "raw+size", false, image.length, Arrays.copyOf(image, 4096)),
                    StorageError.STREAM_BROKEN,
                    Outcome.FAILED_CLEAN,
                    "too early");
            assertThat(called).contains("freeImage");
        } finally {
            Qemu.run(directory, List.of("losetup", "-d", device));
        }
    }
}

package dev.tenon.it.sidebyside;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.mounted.btrfs.BtrfsPlugin;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.it.support.BtrfsMount;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** PVE's own BTRFSPlugin and the type in Java do the same, each in its own directory of one btrfs file system. */
@EnabledIfEnvironmentVariable(named = "TENON_PVE_LIB", matches = ".+", disabledReason = "needs PVE's own libraries")
class BtrfsBesidePveTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final SnapshotName ONE = new SnapshotName("one");
    private static final SnapshotName TWO = new SnapshotName("two");

    /** A plugin and its storage. */
    private record One(StoragePlugin plugin, Storage storage, Path directory) {
        Path file(VolumeName volume) {
            return Path.of(plugin.path(storage, volume, null).path());
        }

        /** What lies there, each entry with its rights, but not what every directory of a guest may have. */
        List<String> tree() throws IOException {
            try (Stream<Path> entries = Files.walk(directory.resolve("images"), 3)) {
                List<String> tree = new ArrayList<>();
                for (Path entry : entries.filter(path -> path.getNameCount() > directory.getNameCount() + 2)
                        .sorted()
                        .toList()) {
                    boolean isSubvolume = Long.valueOf(256).equals(Files.getAttribute(entry, "unix:ino"));
                    tree.add(directory.relativize(entry) + (isSubvolume ? " subvolume" : ""));
                }
                return tree;
            }
        }

        String listed() {
            return plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                    .map(image ->
                            image.volid() + " " + image.format().word() + " " + image.size() + " " + image.owner())
                    .sorted()
                    .toList()
                    .toString();
        }
    }

    private final One[] both = new One[2];
    private final List<String> steps = new ArrayList<>();

    @BeforeEach
    void mount(Scratch scratch) throws IOException {
        Path mounted = BtrfsMount.make(scratch);
        Path pve = Objects.requireNonNull(Installation.pveLibrary()).resolve("PVE/Storage/BTRFSPlugin.pm");
        both[0] = one(SidecarHost.start(scratch, pve).plugin(), mounted.resolve("perl"));
        both[1] = one(new BtrfsPlugin(), mounted.resolve("java"));
    }

    private static One one(StoragePlugin plugin, Path directory) throws IOException {
        Files.createDirectories(directory.resolve("images"));
        return new One(
                plugin,
                Storage.of(
                        "btr",
                        "btrfs",
                        Map.of("path", directory.toString(), "content", Map.of("images", "1", "rootdir", "1"))),
                directory);
    }

    /** Does the same on both sides, and compares what they answer, list and have then. */
    private String same(String what, Function<One, @Nullable Object> call) throws IOException {
        String[] answers = new String[2];
        for (int i = 0; i < both.length; i++) {
            try {
                answers[i] = String.valueOf(call.apply(both[i]))
                        .replace(both[i].directory().toString(), "DIR");
            } catch (StorageException e) {
                answers[i] = "refused";
                steps.add(what + ": " + e.getMessage());
            }
        }
        assertThat(answers[1])
                .as("%s in Java and in Perl, after %s", what, steps)
                .isEqualTo(answers[0]);
        assertThat(both[1].listed()).as("images after %s", what).isEqualTo(both[0].listed());
        assertThat(both[1].tree()).as("files after %s", what).isEqualTo(both[0].tree());
        steps.add(what + " = " + answers[0]);
        return answers[0];
    }

    private static @Nullable Object done(Runnable work) {
        work.run();
        return null;
    }

    private VolumeName made(String what, Function<One, @Nullable Object> call) throws IOException {
        return new VolumeName(same(what, call));
    }

    @ParameterizedTest
    @CsvSource({"raw, 1024", "subvol, 0", "qcow2, 1024"})
    void imagesAndTheirSnapshotsAreTheSame(String word, long kib) throws IOException {
        Format format = Format.ofWord(word);
        VolumeName disk =
                made("alloc", on -> on.plugin().allocImage(on.storage(), GUEST, format, null, ByteSize.ofKib(kib)));
        same(
                "alloc taken",
                on -> on.plugin()
                        .allocImage(
                                on.storage(),
                                GUEST,
                                format,
                                disk.value().replaceFirst(".*/", ""),
                                ByteSize.ofKib(kib)));
        same("path", on -> on.plugin().path(on.storage(), disk, null));
        same("size", on -> size(on.plugin().volumeSizeInfo(on.storage(), disk, null)));
        same("snapshot", on -> done(() -> on.plugin().snapshotVolume(on.storage(), disk, ONE)));
        if (format != Format.Image.QCOW2) { // where PVE takes two of one name
            same("snapshot taken", on -> done(() -> on.plugin().snapshotVolume(on.storage(), disk, ONE)));
        }
        same("rollback", on -> done(() -> on.plugin().rollback(on.storage(), disk, ONE)));
        for (Feature feature : Set.of(Feature.SNAPSHOT, Feature.CLONE, Feature.TEMPLATE, Feature.COPY)) {
            same(
                    feature + " of a snapshot",
                    on -> on.plugin().hasFeature(on.storage(), feature, disk, ONE, false, null));
        }
        same("delete snapshot", on -> done(() -> on.plugin().deleteSnapshot(on.storage(), disk, ONE, false)));
        same("delete no snapshot", on -> done(() -> on.plugin().deleteSnapshot(on.storage(), disk, ONE, false)));
        same("free name", on -> on.plugin().findFreeDiskname(on.storage(), GUEST, format, true));
        same("export formats", on -> on.plugin().exportFormats(on.storage(), disk, new Transfer(null, null, false)));
        same(
                "formats of a snapshot",
                on -> on.plugin().exportFormats(on.storage(), disk, new Transfer(ONE, null, false)));
        same("import formats", on -> on.plugin().importFormats(on.storage(), disk, new Transfer(ONE, null, true)));
        same(
                "import of a difference",
                on -> on.plugin().importFormats(on.storage(), disk, new Transfer(TWO, ONE, false)));
        same(
                "resize",
                on -> format == Format.Image.SUBVOL
                        ? null
                        : done(() -> on.plugin().resizeVolume(on.storage(), disk, ByteSize.ofKib(4096), false, null)));
        VolumeName moved = format == Format.Image.SUBVOL
                ? disk
                : made(
                        "rename",
                        on -> on.plugin()
                                .renameVolume(on.storage(), disk, new Vmid(101), null)
                                .volume());
        same("free", on -> done(() -> on.plugin().freeImage(on.storage(), moved, false, null)));
        same("subdir", on -> on.plugin().getSubdir(on.storage(), ContentType.IMAGES));
    }

    private static String size(SizeInfo size) {
        return size.size() + " " + size.format().word();
    }

    @Test
    void aBaseOfARawImageIsClonedInTheSameWay() throws IOException {
        VolumeName disk = made(
                "alloc", on -> on.plugin().allocImage(on.storage(), GUEST, Format.Image.RAW, null, ByteSize.ofKib(64)));
        VolumeName base = made("base", on -> on.plugin().createBase(on.storage(), disk));
        made("clone", on -> on.plugin().cloneImage(on.storage(), base, new Vmid(101), null));
        same("free base", on -> done(() -> on.plugin().freeImage(on.storage(), base, true, null)));
    }

    @ParameterizedTest
    @CsvSource({"raw, 64", "subvol, 0"})
    void whatOneSendsTheOtherReceives(String word, long kib) throws IOException {
        Format format = Format.ofWord(word);
        VolumeName disk =
                made("alloc", on -> on.plugin().allocImage(on.storage(), GUEST, format, null, ByteSize.ofKib(kib)));
        for (One on : both) {
            write(on, disk, "first");
            on.plugin().snapshotVolume(on.storage(), disk, ONE);
            write(on, disk, "second");
            on.plugin().snapshotVolume(on.storage(), disk, TWO);
            write(on, disk, "third");
        }
        Transfer all = new Transfer(TWO, null, true);
        VolumeName arrived = new VolumeName(disk.value().replace("100", "200"));
        pass(both[0], both[1], disk, arrived, all);
        pass(both[1], both[0], disk, arrived, all);
        same("what arrived", on -> on.plugin().path(on.storage(), arrived, TWO));
        for (One on : both) {
            assertThat(read(on, arrived)).isEqualTo("second");
            on.plugin().rollback(on.storage(), arrived, ONE);
            assertThat(read(on, arrived)).isEqualTo("first");
        }
        same("free", on -> done(() -> on.plugin().freeImage(on.storage(), arrived, false, null)));
    }

    private static Path content(One on, VolumeName volume) {
        Path file = on.file(volume);
        return Files.isDirectory(file) ? file.resolve("file") : file;
    }

    private static void write(One on, VolumeName volume, String text) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(content(on, volume).toFile(), "rw")) {
            file.writeUTF(text);
        }
    }

    private static String read(One on, VolumeName volume) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(content(on, volume).toFile(), "r")) {
            return file.readUTF();
        }
    }

    private static void pass(One from, One to, VolumeName volume, VolumeName wanted, Transfer transfer)
            throws IOException {
        Path stream = Files.createTempFile("tenon-", ".stream");
        try {
            try (Descriptor descriptor = Descriptor.openForWriting(stream);
                    DescriptorExport export = new DescriptorExport(descriptor, StreamSettings.USUAL)) {
                from.plugin().exportVolume(from.storage(), volume, "btrfs", transfer, export);
            }
            try (Descriptor descriptor = Descriptor.openForReading(stream);
                    DescriptorImport incoming = new DescriptorImport(descriptor, StreamSettings.USUAL)) {
                to.plugin().importVolume(to.storage(), wanted, "btrfs", transfer, false, incoming);
            }
        } finally {
            Files.delete(stream);
        }
    }
}

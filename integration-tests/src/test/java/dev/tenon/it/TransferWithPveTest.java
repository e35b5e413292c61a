package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.it.support.Images;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PVE's own directory storage takes what Tenon's sends, and sends what Tenon's takes. */
class TransferWithPveTest {
    private static final String RAW = "100/vm-100-disk-0.raw";
    private static final String QCOW2 = "100/vm-100-disk-0.qcow2";
    private static final String VMDK = "100/vm-100-disk-0.vmdk";
    private static final String SUBVOL = "100/subvol-100-disk-0.subvol";
    private static final String ISO = "iso/a.iso";
    private static final String TEMPLATE = "vztmpl/a.tar.zst";

    private static final long LIMIT_SECONDS = 60;
    private static final int ODD = 1_000_001;

    private final DirPlugin plugin = new DirPlugin();

    @BeforeEach
    void needsPve() {
        assumeTrue(Installation.pveLibrary() != null, "needs PVE's own libraries: set TENON_PVE_LIB");
    }

    private static Storage storage(Path directory) {
        return Storage.of("store", "dir", Map.of("path", directory.toString()));
    }

    /** Two storages, of which the first has a volume of this name. */
    private final class Way {
        private final VolumeName volume;
        private final Storage from;
        private final Storage to;
        private final Path log;

        Way(Scratch scratch, String name) throws IOException {
            volume = new VolumeName(name);
            log = scratch.file("perl.log");
            from = storage(Files.createDirectory(scratch.file("from")));
            to = storage(Files.createDirectory(scratch.file("to")));
            for (String directory : List.of("images", "template/iso", "template/cache")) {
                Files.createDirectories(scratch.file("from").resolve(directory));
                Files.createDirectories(scratch.file("to").resolve(directory));
            }
            makeVolume();
        }

        private void makeVolume() throws IOException {
            switch (volume.value()) {
                case SUBVOL -> {
                    plugin.allocImage(from, new Vmid(100), Format.Image.SUBVOL, null, ByteSize.ofBytes(0));
                    Path etc = Files.createDirectory(source().resolve("etc"));
                    Files.writeString(etc.resolve("motd"), "hello\n");
                    Files.createLink(etc.resolve("same"), etc.resolve("motd"));
                    Files.createSymbolicLink(etc.resolve("link"), Path.of("../nowhere"));
                }
                case QCOW2, VMDK -> {
                    Format.Image format = volume.value().equals(QCOW2) ? Format.Image.QCOW2 : Format.Image.VMDK;
                    plugin.allocImage(from, new Vmid(100), format, null, ByteSize.ofKib(64 << 10));
                    Images.fill(source(), format.word(), 1);
                    if (format == Format.Image.QCOW2) {
                        plugin.snapshotVolume(from, volume, new SnapshotName("first"));
                        Images.fill(source(), format.word(), 2);
                    }
                }
                default -> {
                    byte[] bytes = new byte[ODD];
                    new Random(5).nextBytes(bytes);
                    Files.createDirectories(source().resolveSibling("."));
                    Files.write(source(), bytes);
                }
            }
        }

        Path source() {
            return Path.of(plugin.path(from, volume, null).path());
        }

        Path target() {
            return Path.of(plugin.path(to, volume, null).path());
        }

        String format() {
            return switch (volume.value()) {
                case SUBVOL -> "tar+size";
                case QCOW2 -> "qcow2+size";
                case VMDK -> "vmdk+size";
                default -> "raw+size";
            };
        }

        Transfer transfer() {
            return new Transfer(null, null, List.of(QCOW2, VMDK).contains(volume.value()));
        }

        ProcessBuilder pve(String direction, Storage storage) {
            List<String> command = new ArrayList<>(List.of("perl", "-I" + Installation.pveLibrary()));
            command.add(Installation.resource("perl/pve-transfer.pl").toString());
            command.add(direction);
            command.add(storage.config().text("path").orElseThrow());
            command.addAll(List.of(volume.value(), format(), transfer().withSnapshots() ? "1" : "0"));
            return new ProcessBuilder(command).redirectError(log.toFile());
        }

        void awaitEnd(Process perl) throws Exception {
            try {
                assertThat(perl.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
                assertThat(perl.exitValue()).as(() -> said(log)).isZero();
            } finally {
                perl.destroyForcibly();
            }
        }

        void isTheSame() throws IOException {
            if (!volume.value().equals(SUBVOL)) {
                assertThat(Files.mismatch(source(), target())).isEqualTo(-1);
                assertThat(FileStatus.of(target()).allocated()).isLessThan(4 << 20);
                return;
            }
            assertThat(target().resolve("etc/motd")).hasContent("hello");
            assertThat(Files.isSameFile(target().resolve("etc/motd"), target().resolve("etc/same")))
                    .isTrue();
            assertThat(Files.readSymbolicLink(target().resolve("etc/link"))).isEqualTo(Path.of("../nowhere"));
            assertThat(Files.getLastModifiedTime(target().resolve("etc/motd")).toMillis() / 1000)
                    .isEqualTo(Files.getLastModifiedTime(source().resolve("etc/motd"))
                                    .toMillis()
                            / 1000);
        }
    }

    private static String said(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static ProcessBuilder.Redirect end(Descriptor descriptor, boolean isInput) {
        Path file = Path.of("/proc/self/fd/" + descriptor.number());
        return isInput ? ProcessBuilder.Redirect.from(file.toFile()) : ProcessBuilder.Redirect.to(file.toFile());
    }

    @ParameterizedTest
    @ValueSource(strings = {RAW, QCOW2, VMDK, SUBVOL, ISO, TEMPLATE})
    void pveTakesWhatTenonSends(String name, Scratch scratch) throws Exception {
        Way way = new Way(scratch, name);
        Descriptor.Pipe pipe = Descriptor.pipe();
        Path id = scratch.file("id");

        Process perl = way.pve("import", way.to)
                .redirectInput(end(pipe.read(), true))
                .redirectOutput(id.toFile())
                .start();
        pipe.read().close();
        try (DescriptorExport stream = new DescriptorExport(pipe.write(), StreamSettings.USUAL)) {
            plugin.exportVolume(way.from, way.volume, way.format(), way.transfer(), stream);
        }

        way.awaitEnd(perl);
        assertThat(Files.readString(id, StandardCharsets.UTF_8)).endsWith("store:" + name + "\n");
        way.isTheSame();
    }

    @ParameterizedTest
    @ValueSource(strings = {RAW, QCOW2, VMDK, SUBVOL, ISO, TEMPLATE})
    void tenonTakesWhatPveSends(String name, Scratch scratch) throws Exception {
        Way way = new Way(scratch, name);
        Descriptor.Pipe pipe = Descriptor.pipe();

        Process perl = way.pve("export", way.from)
                .redirectOutput(end(pipe.write(), false))
                .start();
        pipe.write().close();
        VolumeId made;
        try (DescriptorImport stream = new DescriptorImport(pipe.read(), StreamSettings.USUAL)) {
            made = plugin.importVolume(way.to, way.volume, way.format(), way.transfer(), false, stream);
        }

        way.awaitEnd(perl);
        assertThat(made).hasToString("store:" + name);
        way.isTheSame();
    }
}

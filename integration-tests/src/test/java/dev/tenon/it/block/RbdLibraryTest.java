package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** What librados tells is what the commands tell. */
@TestInstance(Lifecycle.PER_CLASS)
class RbdLibraryTest {
    private static final Vmid GUEST = new Vmid(100);

    private final RbdLab lab;
    private final StoragePlugin byCommands;
    private final StoragePlugin byLibrary;

    RbdLibraryTest(Scratch scratch) {
        lab = RbdLab.start(scratch);
        lab.loadLibrary();
        byCommands = lab.plugin();
        byLibrary = RbdLab.on(lab.ceph(), scratch, true, Duration.ofSeconds(4)).plugin();
    }

    private static List<VolumeInfo> listed(StoragePlugin plugin, Storage storage) {
        return plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                .sorted(Comparator.comparing(image -> image.volid().toString()))
                .toList();
    }

    private void same(Storage storage, int count) {
        assertThat(listed(byLibrary, storage)).hasSize(count).isEqualTo(listed(byCommands, storage));
    }

    @Test
    void imagesAndTheirParentsAreListedAsByTheCommand() {
        Storage storage = lab.storage(Map.of());
        same(storage, 0);
        VolumeName base = byCommands.createBase(
                storage, byCommands.allocImage(storage, GUEST, Image.RAW, null, ByteSize.ofBytes(3 << 20)));
        VolumeName disk = byCommands.allocImage(storage, GUEST, Image.RAW, null, ByteSize.ofBytes(5 << 20));
        byCommands.snapshotVolume(storage, disk, new SnapshotName("one"));
        byCommands.cloneImage(storage, base, new Vmid(101), null);
        byCommands.cloneImage(storage, disk, new Vmid(102), new SnapshotName("one"));
        same(storage, 4);
        lab.rbd("namespace", "create", "rbd/space");
        Storage inside = lab.storage(Map.of("namespace", "space"));
        byCommands.allocImage(inside, GUEST, Image.RAW, null, ByteSize.ofBytes(1 << 20));
        same(inside, 1);
        // Its parent is elsewhere, where one listing does not look.
        lab.ceph().makePool("other");
        lab.rbd("clone", "rbd/base-100-disk-0@__base__", "other/vm-103-disk-0");
        Storage other = lab.storage(Map.of("pool", "other"));
        same(other, 1);
        assertThat(listed(byLibrary, other).getLast().parent()).isEqualTo("base-100-disk-0@__base__");
    }

    /** Whatever is in them, and also where only rbd itself reads. */
    @Test
    void imagesLeaveAsTheCommandLetsThemLeave(Scratch scratch) throws IOException {
        Storage storage = lab.storage(Map.of("pool", "streams"));
        lab.ceph().makePool("streams");
        VolumeName disk = byCommands.allocImage(storage, GUEST, Image.RAW, null, ByteSize.ofBytes(21 << 20));
        lab.write("streams/vm-100-disk-0", 0, new byte[] {1, 2, 3});
        lab.write("streams/vm-100-disk-0", (9 << 20) - 5, new byte[3 << 20]);
        lab.write("streams/vm-100-disk-0", (13 << 20) - 1, new byte[] {4, 5, 6});
        VolumeName base = byCommands.createBase(storage, disk);
        VolumeName clone = byCommands.cloneImage(storage, base, new Vmid(101), null);
        lab.write("streams/vm-101-disk-0", (21 << 20) - 2, new byte[] {7, 8});
        byCommands.snapshotVolume(storage, clone, new SnapshotName("one"));
        lab.write("streams/vm-101-disk-0", 0, new byte[] {9});
        for (Transfer transfer :
                List.of(new Transfer(null, null, false), new Transfer(new SnapshotName("one"), null, false))) {
            byte[] ofLibrary = exported(scratch, byLibrary, storage, clone, transfer);
            assertThat(ofLibrary).hasSize(Long.BYTES + (21 << 20));
            assertThat(Arrays.equals(ofLibrary, exported(scratch, byCommands, storage, clone, transfer)))
                    .isTrue();
        }
    }

    private static byte[] exported(
            Scratch scratch, StoragePlugin plugin, Storage storage, VolumeName volume, Transfer transfer)
            throws IOException {
        Path file = Files.createTempFile(scratch.root(), "exported-", "");
        try (Descriptor descriptor = Descriptor.openForWriting(file);
                DescriptorExport export = new DescriptorExport(descriptor, StreamSettings.USUAL)) {
            plugin.exportVolume(storage, volume, "raw+size", transfer, export);
        }
        return Files.readAllBytes(file);
    }

    @Test
    void theUseOfThePoolIsThatOfTheCommand() {
        Storage storage = lab.storage(Map.of());
        StorageStatus status = byLibrary.status(storage, OperationCache.create());
        assertThat(status).isInstanceOf(StorageStatus.Active.class);
        StorageStatus.Active active = (StorageStatus.Active) status;
        assertThat(active.total().bytes())
                .isEqualTo(active.used().bytes() + active.available().bytes())
                .isPositive();
    }

    @Test
    void aPoolThatIsMissingIsUnavailable() {
        assertThatThrownBy(() -> listed(byLibrary, lab.storage(Map.of("pool", "nowhere"))))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.STORAGE_UNAVAILABLE));
    }

    @Test
    void aMonitorAndAnOsdThatDoNotAnswerHangNobody() throws IOException {
        Storage storage = lab.storage(Map.of());
        listed(byLibrary, storage);
        for (String daemon : List.of("mon", "osd")) {
            String pid = Long.toString(lab.ceph().pid(daemon));
            signal("STOP", pid);
            try {
                Optional<StorageError> error = Optional.empty();
                try {
                    if (daemon.equals("mon")) {
                        byLibrary.status(storage, OperationCache.create());
                    } else {
                        listed(byLibrary, storage);
                    }
                } catch (StorageException e) {
                    error = Optional.of(e.error());
                }
                assertThat(error).as(daemon).contains(StorageError.STORAGE_UNAVAILABLE);
            } finally {
                signal("CONT", pid);
            }
        }
        assertThat(listed(byLibrary, storage)).isEqualTo(listed(byCommands, storage));
    }

    private static void signal(String name, String pid) throws IOException {
        assertThat(new ProcessBuilder("kill", "-" + name, pid)
                        .start()
                        .onExit()
                        .join()
                        .exitValue())
                .isZero();
    }
}

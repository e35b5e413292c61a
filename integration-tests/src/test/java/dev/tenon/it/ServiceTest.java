package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.core.NativeTypes;
import dev.tenon.core.config.ConfigStore;
import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.service.CopyTarget;
import dev.tenon.core.service.Permissions;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** The host of plugins over plugins that are written in Perl. */
class ServiceTest {
    private static final StorageId NAS = new StorageId("nas");
    private static final Vmid GUEST = new Vmid(100);
    private static final ByteSize SIZE = ByteSize.ofKib(1024);

    private static StorageService service(Scratch scratch, PerlStoragePlugin plugin) throws IOException {
        Map<String, StoragePlugin> types = new HashMap<>(NativeTypes.all());
        types.put(plugin.type(), plugin);
        Path file = scratch.file("storage.cfg");
        Files.createDirectories(scratch.file("own"));
        Files.writeString(
                file,
                "dir: local\n\tpath /var/lib/vz\n\tdisable\n\n" + plugin.type() + ": nas\n\tpath " + scratch.storage()
                        + "\n\ndir: own\n\tpath " + scratch.file("own") + "\n");
        ConfigStore configs = new ConfigStore(file, types, Locks.forFile(file));
        return new StorageService(
                configs::current, types, "here", new Locks(scratch.file("lock"), null), Runnable::run, Permissions.ALL);
    }

    @Test
    void aPluginOfPerlIsUsedAsOneOfJava(Scratch scratch) throws IOException {
        StorageService service = service(
                scratch,
                SidecarHost.start(scratch, Installation.legacyDirPlugin()).plugin());

        VolumeId volume = service.allocImage(NAS, GUEST, Format.Image.QCOW2, null, SIZE);
        service.snapshotVolume(volume, new SnapshotName("before"));
        VolumeId copy = service.copyImage(
                volume,
                null,
                new CopyTarget(new StorageId("own"), GUEST, null, null),
                OptionalLong.empty(),
                CopyProgress.NONE);
        VolumeId back = service.copyImage(
                copy,
                null,
                new CopyTarget(NAS, GUEST, Format.Image.RAW, null),
                OptionalLong.empty(),
                CopyProgress.NONE);

        assertThat(List.of(volume, copy, back))
                .extracting(VolumeId::toString)
                .containsExactly(
                        "nas:100/vm-100-disk-0.qcow2", "own:100/vm-100-disk-0.qcow2", "nas:100/vm-100-disk-1.raw");
        assertThat(service.volumeSizeInfo(back, null).size()).isEqualTo(SIZE);
        assertThat(scratch.file("lock").resolve("pve-storage-nas")).exists();
        service.freeImage(volume);
        service.freeImage(back);
        assertThat(service.listImages(NAS, ImageFilter.all(), null)).containsEntry(NAS, List.of());
        assertThat(service.status())
                .filteredOn(summary -> summary.id().equals(NAS))
                .singleElement()
                .satisfies(summary -> assertThat(summary.problem()).isNull());
    }

    @Test
    void whatRunsUnderThePluginsOwnLockGoesIntoTheCallThatHoldsIt(Scratch scratch) throws IOException {
        StorageService service = service(
                scratch,
                SidecarHost.start(scratch, Installation.plugin("LockingPlugin.pm"))
                        .plugin());

        VolumeId volume = service.allocImage(NAS, GUEST, Format.Image.RAW, null, SIZE);
        assertThatThrownBy(() -> service.allocImage(NAS, new Vmid(913), Format.Image.RAW, null, SIZE))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.PLUGIN_DIED))
                .hasMessageContaining("no room for a volume of guest 13");
        service.freeImage(volume);

        assertThat(volume).hasToString("nas:100/vm-100-disk-0.raw");
        assertThat(Files.readAllLines(scratch.storage().resolve("notes")))
                .containsExactly(
                        "lock nas",
                        "alloc 1024",
                        "unlock nas",
                        "lock nas",
                        "alloc 1024",
                        "unlock nas",
                        "lock nas",
                        "free 100/vm-100-disk-0.raw",
                        "unlock nas",
                        "wipe 100/vm-100-disk-0.raw");
        assertThat(scratch.file("lock")).doesNotExist();
    }
}

package dev.tenon.core.service;

import static dev.tenon.core.service.ServiceFixture.GUEST;
import static dev.tenon.core.service.ServiceFixture.LOCAL;
import static dev.tenon.core.service.ServiceFixture.volume;
import static dev.tenon.core.testing.Failing.isRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.directory.DirectoryPlugin;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What happens around a plugin: checks, activation and locks, on real directories. */
class StorageServiceTest {
    private static final ByteSize SIZE = ByteSize.ofKib(1024);

    @TempDir
    Path scratch = Path.of("");

    private ServiceFixture fixture = new ServiceFixture(Path.of(""));

    @BeforeEach
    void makeFixture() {
        fixture = new ServiceFixture(scratch).type(new DirPlugin());
    }

    private String dir(String id, String... properties) throws IOException {
        return "dir: " + id + "\n\tpath " + fixture.directory(id) + "\n"
                + String.join(
                        "",
                        List.of(properties).stream()
                                .map(line -> "\t" + line + "\n")
                                .toList());
    }

    // ---- order

    @Test
    void anImageIsAllocatedAfterTheChecksAndUnderTheLock() throws IOException {
        StorageService service = fixture.service(dir("fast"));

        VolumeId volume = service.allocImage(LOCAL, GUEST, null, null, SIZE);

        assertThat(volume).hasToString("fast:100/vm-100-disk-0.raw");
        assertThat(scratch.resolve("fast/images/100/vm-100-disk-0.raw")).hasSize(SIZE.bytes());
        assertThat(fixture.calls)
                .containsExactly("formats", "checkConnection", "activateStorage", "lockStorage", "allocImage");
        assertThat(scratch.resolve("lock/pve-storage-fast")).exists();
    }

    @Test
    void aVolumeIsFreedOnlyWhenNoCloneDependsOnIt() throws IOException {
        StorageService service = fixture.service(dir("fast"));
        VolumeId base = service.createBase(service.allocImage(LOCAL, GUEST, Format.Image.QCOW2, null, SIZE));
        VolumeId clone = service.cloneImage(base, new Vmid(101), null);

        isRefused(
                () -> service.freeImage(base),
                StorageError.IN_USE,
                "base volume '100/base-100-disk-0.qcow2' is still in use by linked clones");
        service.freeImage(clone);
        service.freeImage(base);

        assertThat(service.listImages(LOCAL, ImageFilter.all(), null)).containsEntry(LOCAL, List.of());
    }

    @Test
    void resizingSnapshotsAndInquiriesNeitherActivateNorLock() throws IOException {
        StorageService service = fixture.service(dir("fast"));
        VolumeId volume = service.allocImage(LOCAL, GUEST, Format.Image.QCOW2, null, SIZE);
        fixture.calls.clear();

        service.snapshotVolume(volume, new SnapshotName("one"));
        service.rollback(volume, new SnapshotName("one"));
        service.deleteSnapshot(volume, new SnapshotName("one"), false);
        service.resizeVolume(volume, ByteSize.ofBytes(SIZE.bytes() + 1), false, null);

        assertThat(service.volumeSizeInfo(volume, null).size()).isEqualTo(ByteSize.ofKib(1025));
        assertThat(fixture.calls)
                .doesNotContain("activateStorage", "lockStorage")
                .contains("rollbackIsPossible");
    }

    @Test
    void aRollbackThatIsBlockedNamesWhatBlocksIt() throws IOException {
        StorageService service = fixture.service(dir("fast", "snapshot-as-volume-chain 1"));
        VolumeId volume = service.allocImage(LOCAL, GUEST, Format.Image.QCOW2, null, SIZE);
        service.snapshotVolume(volume, new SnapshotName("one"));
        service.snapshotVolume(volume, new SnapshotName("two"));

        assertThatThrownBy(() -> service.rollback(volume, new SnapshotName("one")))
                .hasMessageContaining("'one' is not most recent snapshot")
                .hasMessageContaining("two");
        assertThat(fixture.calls).doesNotContain("rollback");
    }

    @Test
    void aVolumeIsRenamedForItsOwnGuestUnlessAnotherIsNamed() throws IOException {
        StorageService service = fixture.service(dir("fast"));
        VolumeId volume = service.allocImage(LOCAL, GUEST, null, null, SIZE);

        VolumeId renamed = service.renameVolume(volume, null, new VolumeName("vm-100-data.raw"));
        VolumeId given = service.renameVolume(renamed, new Vmid(200), null);

        assertThat(renamed).hasToString("fast:100/vm-100-data.raw");
        assertThat(given).hasToString("fast:200/vm-200-disk-0.raw");
        isRefused(() -> service.renameVolume(given, null, null), StorageError.BAD_PARAMETER, "no target VMID");
    }

    // ---- activation

    @Test
    void aStorageThatIsDisabledOrElsewhereOrUnknownIsRefusedBeforeAnyCall() throws IOException {
        StorageService service = fixture.service(
                dir("off", "disable"), dir("away", "nodes other,another"), dir("fast", "nodes here"), "nas: odd\n");

        isRefused(() -> service.activateStorage(new StorageId("off")), StorageError.STORAGE_UNAVAILABLE, "is disabled");
        isRefused(
                () -> service.allocImage(new StorageId("away"), GUEST, Format.Image.RAW, null, SIZE),
                StorageError.STORAGE_UNAVAILABLE,
                "storage 'away' is not available on node 'here'");
        isRefused(
                () -> service.activateStorage(new StorageId("none")),
                StorageError.NOT_FOUND,
                "storage 'none' does not exist");
        assertThat(fixture.calls).isEmpty();
        service.activateStorage(LOCAL);
        assertThat(fixture.calls).containsExactly("checkConnection", "activateStorage");
    }

    /** A directory storage that can be offline, and may be based on another. */
    private static final class Lun extends DirectoryPlugin {
        private boolean isOnline = true;

        @Override
        public String type() {
            return "lun";
        }

        @Override
        public Map<String, PropertyOption> options() {
            return Map.of(
                    "path", new PropertyOption(false, false),
                    "shared", new PropertyOption(true, false),
                    "base", new PropertyOption(true, false));
        }

        @Override
        public Map<String, PropertySchema> properties() {
            return Map.of("base", new PropertySchema(Map.of("type", "string")));
        }

        @Override
        public boolean checkConnection(Storage storage) {
            return isOnline;
        }
    }

    private String lun(String id, String... properties) throws IOException {
        return dir(id, properties).replace("dir: ", "lun: ");
    }

    @Test
    void whatAStorageIsBasedOnIsActivatedFirstAndOnce() throws IOException {
        List<String> activated = new ArrayList<>();
        fixture.types.put("lun", Decorator.decorate(new Lun(), (call, next) -> {
            if (call.operation().equals("activateStorage")) {
                activated.add(String.valueOf(call.storage()));
            }
            return next.get();
        }));
        StorageService service = fixture.service(
                lun("top", "base middle:0"),
                lun("side", "base middle:0"),
                lun("middle", "base bottom:0"),
                lun("bottom"));

        service.activateVolumes(List.of(), null, Hints.NONE);
        assertThat(activated).isEmpty();
        Files.createDirectories(scratch.resolve("top/images/100"));
        Files.createDirectories(scratch.resolve("side/images/100"));
        Files.writeString(scratch.resolve("top/images/100/vm-100-disk-0.raw"), "");
        Files.writeString(scratch.resolve("side/images/100/vm-100-disk-0.raw"), "");
        service.activateVolumes(
                List.of(
                        VolumeId.parse("top:100/vm-100-disk-0.raw"),
                        VolumeId.parse("side:100/vm-100-disk-0.raw"),
                        VolumeId.parse("top:100/vm-100-disk-0.raw")),
                null,
                Hints.NONE);

        assertThat(activated).containsExactly("bottom", "middle", "top", "side");
    }

    @Test
    void storagesThatAreBasedOnEachOtherAreRefused() throws IOException {
        fixture.type(new Lun());
        StorageService service =
                fixture.service(lun("one", "base two:0"), lun("two", "base one:0"), lun("me", "base one:0"));

        isRefused(() -> service.activateStorage(new StorageId("one")), StorageError.BAD_CONFIG, "is based on itself");
        isRefused(() -> service.activateStorage(new StorageId("me")), StorageError.BAD_CONFIG, "is based on itself");
    }

    @Test
    void aStorageThatIsOfflineIsNotActivated() throws IOException {
        Lun lun = new Lun();
        lun.isOnline = false;
        fixture.type(lun);
        StorageService service = fixture.service(lun("array"));

        isRefused(
                () -> service.activateStorage(new StorageId("array")),
                StorageError.STORAGE_UNAVAILABLE,
                "storage 'array' is not online");
        assertThat(fixture.calls).containsExactly("checkConnection");
    }

    @Test
    void volumesAreDeactivatedAsFarAsTheyCanBe() throws IOException {
        List<String> asked = new ArrayList<>();
        fixture.types.put("dir", new Stubborn(asked));
        StorageService service = fixture.service(dir("fast"));

        assertThatThrownBy(() -> service.deactivateVolumes(
                        List.of(volume("1/vm-1-a.raw"), volume("2/vm-2-b.raw"), volume("3/vm-3-a.raw")), null))
                .hasMessage("volume deactivation failed: fast:1/vm-1-a.raw fast:3/vm-3-a.raw");
        assertThat(asked).containsExactly("1/vm-1-a.raw", "2/vm-2-b.raw", "3/vm-3-a.raw");
    }

    /** Answers for the type dir in another way. */
    private abstract static class OtherDirPlugin extends DirectoryPlugin {
        @Override
        public String type() {
            return "dir";
        }

        @Override
        public Map<String, PropertyOption> options() {
            return new DirPlugin().options();
        }
    }

    /** Keeps all volumes called "a" active. */
    private static final class Stubborn extends OtherDirPlugin {
        private final List<String> asked;

        Stubborn(List<String> asked) {
            this.asked = asked;
        }

        @Override
        public void deactivateVolume(
                Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache) {
            asked.add(volume.value());
            if (volume.value().endsWith("-a.raw")) {
                throw StorageException.refused(StorageError.IN_USE, "in use");
            }
        }
    }

    // ---- locks

    @Test
    @Tag("long")
    void aStorageThatIsLockedByAnotherIsRefusedAfterAWhileAndLeftAlone() throws Exception {
        StorageService service = fixture.service(dir("fast"));
        Process holder = new ProcessBuilder(
                        "flock",
                        "-x",
                        Files.createDirectories(scratch.resolve("lock"))
                                .resolve("pve-storage-fast")
                                .toString(),
                        "-c",
                        "echo held; read x")
                .start();
        try {
            assertThat(holder.inputReader().readLine()).isEqualTo("held");

            isRefused(
                    () -> service.allocImage(LOCAL, GUEST, null, null, SIZE),
                    StorageError.IN_USE,
                    "can't lock file '" + scratch.resolve("lock/pve-storage-fast") + "' - got timeout");
        } finally {
            holder.destroy();
            holder.waitFor();
        }
        assertThat(fixture.calls).doesNotContain("allocImage");
    }

    /** A directory storage with a lock of its own, which leaves work when a volume is removed. */
    private static final class Own extends OtherDirPlugin {
        private final List<String> events;
        private boolean isLocked;

        Own(List<String> events) {
            this.events = events;
        }

        @Override
        public void lockStorage(StorageId storage, boolean isShared, @Nullable Duration timeout, Runnable work) {
            isLocked = true;
            try {
                work.run();
            } finally {
                isLocked = false;
            }
        }

        @Override
        public Optional<Cleanup> freeImage(
                Storage storage, VolumeName volume, boolean isBase, @Nullable Format format) {
            events.add("free locked=" + isLocked);
            if (volume.value().contains("bad")) {
                throw StorageException.refused(StorageError.IN_USE, "it is busy");
            }
            return Optional.of(() -> {
                events.add("cleanup locked=" + isLocked);
                throw StorageException.refused(StorageError.INTERNAL, "cannot be wiped");
            });
        }
    }

    @Test
    void thePluginsOwnLockIsTakenAndWhatARemovalLeavesIsDoneAfterIt() throws IOException {
        List<String> events = new ArrayList<>();
        fixture.types.put("dir", new Own(events));
        StorageService service = fixture.service(dir("fast"));

        service.freeImage(volume("100/vm-100-disk-0.raw"));
        isRefused(() -> service.freeImage(volume("100/vm-100-bad.raw")), StorageError.IN_USE, "it is busy");

        assertThat(events).containsExactly("free locked=true", "cleanup locked=false", "free locked=true");
        assertThat(scratch.resolve("lock")).doesNotExist();
    }

    // ---- listing

    @Test
    void oneStorageThatFailsDoesNotHideTheOthers() throws IOException {
        StorageService service = fixture.service(
                dir("fast", "content images,iso"), "dir: gone\n\tpath /proc/nowhere\n", dir("off", "disable"));

        List<StorageSummary> all = service.status();

        assertThat(all)
                .filteredOn(summary -> !summary.id().value().equals("local"))
                .extracting(
                        summary -> summary.id().value(),
                        StorageSummary::isEnabled,
                        summary -> summary.status() instanceof StorageStatus.Active)
                .containsExactly(tuple("fast", true, true), tuple("gone", true, false), tuple("off", false, false));
        assertThat(all)
                .filteredOn(summary -> summary.id().value().equals("gone"))
                .singleElement()
                .satisfies(gone -> assertThat(gone.problem()).contains("unable to activate storage 'gone'"));
        assertThat(service.status(Set.of(ContentType.ISO)))
                .extracting(summary -> summary.id().value())
                .contains("fast")
                .doesNotContain("gone", "off");
    }

    @Test
    void imagesAreListedInOrderOfTheirNamesAndAsFarAsTheyAreWanted() throws IOException {
        StorageService service =
                fixture.service(dir("fast"), dir("iso", "content iso"), dir("slow", "content rootdir"));
        for (String name : List.of("vm-100-b.raw", "vm-100-A.raw", "vm-100-c.raw")) {
            service.allocImage(LOCAL, GUEST, Format.Image.RAW, name, SIZE);
        }
        service.allocImage(LOCAL, new Vmid(200), Format.Image.RAW, null, SIZE);

        Map<StorageId, List<VolumeInfo>> all = service.listImages(null, new ImageFilter.OfGuest(GUEST), null);

        assertThat(all.get(LOCAL))
                .extracting(image -> image.volid().volume().value())
                .containsExactly("100/vm-100-A.raw", "100/vm-100-b.raw", "100/vm-100-c.raw");
        assertThat(all).containsKey(new StorageId("slow")).doesNotContainKey(new StorageId("iso"));
        assertThat(service.listImages(null, new ImageFilter.Named(List.of(volume("200/vm-200-disk-0.raw"))), null))
                .containsOnlyKeys(LOCAL)
                .extractingByKey(LOCAL)
                .asInstanceOf(InstanceOfAssertFactories.LIST)
                .hasSize(1);
    }

    @Test
    void onlyContentThatTheStorageIsConfiguredForIsListed() throws IOException {
        StorageService service = fixture.service(dir("fast", "content images,iso"));
        service.allocImage(LOCAL, GUEST, null, null, SIZE);
        Files.writeString(scratch.resolve("fast/template/iso/b.iso"), "b");
        Files.createDirectories(scratch.resolve("fast/snippets"));
        Files.writeString(scratch.resolve("fast/snippets/hook.pl"), "a");

        assertThat(service.listVolumes(LOCAL, null, Set.of()))
                .extracting(listed -> listed.volume().volid().volume().value())
                .containsExactly("100/vm-100-disk-0.raw", "iso/b.iso");
        assertThat(service.listVolumes(LOCAL, null, Set.of(ContentType.SNIPPETS)))
                .isEmpty();
    }

    // ---- backups

    private VolumeId backup(String time) throws IOException {
        String name = "vzdump-qemu-100-" + time + ".vma.zst";
        Files.writeString(Files.createDirectories(scratch.resolve("fast/dump")).resolve(name), time);
        return volume("backup/" + name);
    }

    @Test
    void whoMayNotConfigureTheStorageProtectsFiveBackupsOfAGuestAndNoMore() throws IOException {
        fixture.permissions = (path, privileges) -> false;
        StorageService service = fixture.service(dir("fast", "content backup"));
        for (int day = 1; day <= 5; day++) {
            service.updateAttribute(backup("2026_01_0" + day + "-00_00_00"), VolumeAttribute.PROTECTED, "1");
        }
        VolumeId sixth = backup("2026_01_06-00_00_00");

        isRefused(
                () -> service.updateAttribute(sixth, VolumeAttribute.PROTECTED, "1"),
                StorageError.PERMISSION_DENIED,
                "The number of protected backups per guest is limited to 5 on storage 'fast'");
        service.updateAttribute(
                volume("backup/vzdump-qemu-100-2026_01_01-00_00_00.vma.zst"), VolumeAttribute.PROTECTED, "1");
        fixture.permissions = Permissions.ALL;
        fixture.service(dir("fast", "content backup")).updateAttribute(sixth, VolumeAttribute.PROTECTED, "1");
        assertThat(service.attribute(sixth, VolumeAttribute.PROTECTED)).contains("1");
    }

    @Test
    void backupsArePrunedAsTheStorageIsConfigured() throws IOException {
        StorageService service = fixture.service(
                dir("fast", "content backup", "prune-backups keep-last=1"), dir("slow"), dir("some", "content backup"));
        backup("2026_01_01-00_00_00");
        backup("2026_01_02-00_00_00");

        Pruned pruned = service.pruneBackups(LOCAL, null, new BackupSelection(null, null), false, (level, line) -> {});

        assertThat(pruned.marks()).hasSize(2);
        assertThat(scratch.resolve("fast/dump"))
                .isDirectoryContaining("glob:**2026_01_02*")
                .isDirectoryNotContaining("glob:**2026_01_01*");
        isRefused(
                () -> service.pruneBackups(
                        new StorageId("slow"), null, new BackupSelection(null, null), true, (level, line) -> {}),
                StorageError.NOT_SUPPORTED,
                "storage 'slow' does not support backups");
        isRefused(
                () -> service.pruneBackups(
                        new StorageId("some"), null, new BackupSelection(null, null), true, (level, line) -> {}),
                StorageError.BAD_CONFIG,
                "no prune-backups options configured for storage 'some'");
    }
}

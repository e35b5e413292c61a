package dev.tenon.tck.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.backup.nbd.NbdServer;
import dev.tenon.core.command.ShortCommand;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.BackupMechanism;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.ContainerArchive;
import dev.tenon.core.spi.backup.ContainerTree;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.DirtyRegions;
import dev.tenon.core.spi.backup.DiskAccess;
import dev.tenon.core.spi.backup.GuestConfigs;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.core.spi.backup.RestoreMechanism;
import dev.tenon.tck.Check;
import dev.tenon.tck.Kit;
import dev.tenon.tck.OfProfile;
import dev.tenon.tck.Profile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

/**
 * The contract of {@link BackupProvider} and of the storage that gives it, on real NBD. A provider's test class extends this
 * and gives its {@link #subject()}. Each test takes a guest of its own, and plays PVE: a disk has a bitmap unless the provider
 * wants none, and one that is new is all dirty. The file is long because a contract is one class, which a test class inherits
 * whole.
 */
@OfProfile(Profile.BACKUP)
@ExtendWith(WithinLimits.class)
public abstract class BackupProviderContract {
    private static final AtomicInteger NUMBERS = new AtomicInteger();
    private static final DeviceName DISK = new DeviceName("drive-scsi0");
    private static final String BITMAP = "snapshot-access:contract";

    /** Not a multiple of a bitmap's blocks. */
    private static final int SIZE = 2 * SnapshotDisk.BLOCK + 512;

    private static final BitSet ALL = blocks(0, 1, 2);

    private static final RawConfig CONFIG = RawConfig.of(
            "name: caf\u00e9\n#qmdump#map:scsi0:drive-scsi0:local:raw:\n".getBytes(StandardCharsets.ISO_8859_1));

    /** For disks and trees. */
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path own;

    /** No guest of anybody has so high a number. */
    private final Vmid guest = new Vmid(999_000_000L + NUMBERS.incrementAndGet());

    /** Others in each process: what a host remembers of the archives of an earlier one is not about these. */
    private long time = Instant.now().minus(Duration.ofDays(30)).getEpochSecond() + NUMBERS.get() * 1000L;

    /** What is tested. */
    protected abstract BackupSubject subject();

    /** A storage that somebody has named is as empty afterwards as it was. */
    @AfterEach
    void freeTheBackups() {
        for (VolumeName volume : names()) {
            try {
                plugin().updateAttribute(subject().storage(), volume, VolumeAttribute.PROTECTED, "0");
                plugin().freeImage(subject().storage(), volume, false, null).ifPresent(cleanup -> cleanup.run());
            } catch (StorageException e) {
                // Whether they can be freed is what a test asks.
            }
        }
    }

    /** Reports the test as skipped, if the provider lacks what it needs. */
    private static void requires(boolean isAble, String lack) {
        if (!isAble) {
            throw new TestAbortedException(lack);
        }
    }

    private StoragePlugin plugin() {
        return subject().plugin();
    }

    private BackupProvider provider() {
        plugin().activateStorage(subject().storage(), OperationCache.create());
        return plugin().newBackupProvider(subject().storage(), (level, line) -> {});
    }

    private static BitSet blocks(int... dirty) {
        BitSet blocks = new BitSet();
        Arrays.stream(dirty).forEach(blocks::set);
        return blocks;
    }

    private static byte[] random(long seed) {
        byte[] data = new byte[SIZE];
        new Random(seed).nextBytes(data);
        return data;
    }

    // ---- a host

    /** A job with one VM up to the commit point; the test does the rest. */
    private final class Job implements AutoCloseable {
        private final BackupProvider provider = provider();
        private final VolumeName volume;
        private BackupMechanism mechanism = BackupMechanism.NBD;
        private BitmapUse use = BitmapUse.NONE;

        Job(long second) {
            provider.initJob(Instant.ofEpochSecond(second));
            volume = provider.initBackup(guest, GuestType.QEMU, Instant.ofEpochSecond(second))
                    .volume();
        }

        BitmapUse asks() {
            mechanism = provider.backupMechanism(guest, GuestType.QEMU);
            assertThat(mechanism.fits(GuestType.QEMU)).isTrue();
            use = provider.queryIncremental(guest, Map.of(DISK, ByteSize.ofBytes(SIZE)))
                    .getOrDefault(DISK, BitmapUse.NONE);
            return use;
        }

        /** A running guest, whose bitmap is good. */
        void reads(byte[] content, BitSet changed) {
            reads(content, use == BitmapUse.USE ? BitmapMode.REUSE : asked(), changed, Optional.empty());
        }

        /** A guest that was started since the last backup: it has lost its bitmap, and a new one is all dirty. */
        void reads(byte[] content) {
            reads(content, Optional.empty());
        }

        void reads(byte[] content, Optional<RawConfig> firewall) {
            reads(content, asked(), ALL, firewall);
        }

        private BitmapMode asked() {
            return use == BitmapUse.NONE ? BitmapMode.NONE : BitmapMode.NEW;
        }

        private void reads(byte[] content, BitmapMode mode, BitSet changed, Optional<RawConfig> firewall) {
            BitSet dirty = mode == BitmapMode.REUSE ? changed : ALL;
            if (mechanism == BackupMechanism.FILE_HANDLE) {
                Path file = own.resolve("d" + NUMBERS.incrementAndGet());
                write(file, content, dirty);
                reads(new DiskAccess.FileHandle(file, regions(dirty)), mode, firewall);
                return;
            }
            Optional<String> bitmap = bitmap(mode);
            Path socket = subject().work().resolve("s" + NUMBERS.incrementAndGet());
            try (NbdServer server = NbdServer.listen(
                    socket, Map.of(DISK.value(), new SnapshotDisk(content, bitmap.orElse(null), dirty)))) {
                reads(new DiskAccess.Nbd(server.socket(), DISK.value(), bitmap), mode, firewall);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void reads(DiskAccess access, BitmapMode mode, Optional<RawConfig> firewall) {
            provider.backupVm(
                    guest,
                    new GuestConfigs(CONFIG, firewall),
                    Map.of(DISK, new BackupDisk(ByteSize.ofBytes(SIZE), mode, access)),
                    BackupLimits.NONE);
        }

        /** The source ends in the middle, or is not there. */
        void readsWhatFails() throws IOException {
            DiskAccess access = mechanism == BackupMechanism.FILE_HANDLE
                    ? new DiskAccess.FileHandle(
                            Files.write(own.resolve("half"), Arrays.copyOf(random(13), SIZE / 2)), regions(ALL))
                    : new DiskAccess.Nbd(subject().work().resolve("nobody"), DISK.value(), bitmap(asked()));
            reads(access, asked(), Optional.empty());
        }

        private static Optional<String> bitmap(BitmapMode mode) {
            return mode == BitmapMode.NONE ? Optional.empty() : Optional.of(BITMAP);
        }

        /** Clean parts differ from the real disk, so that a provider that reads them is found out. */
        private static void write(Path file, byte[] content, BitSet dirty) {
            byte[] shown = content.clone();
            for (int at = 0; at < shown.length; at++) {
                shown[at] = dirty.get(at / SnapshotDisk.BLOCK) ? shown[at] : (byte) 0xee;
            }
            try {
                Files.write(file, shown);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Neighbours are one region. */
        private static DirtyRegions regions(BitSet dirty) {
            List<DirtyRegions.Region> regions = new ArrayList<>();
            for (int from = dirty.nextSetBit(0); from >= 0; ) {
                int to = dirty.nextClearBit(from);
                long start = (long) from * SnapshotDisk.BLOCK;
                regions.add(new DirtyRegions.Region(start, Math.min((long) to * SnapshotDisk.BLOCK, SIZE) - start));
                from = dirty.nextSetBit(to);
            }
            return DirtyRegions.of(regions);
        }

        void succeeds() {
            assertThat(provider.cleanupBackup(guest, GuestType.QEMU)
                            .archiveSize()
                            .bytes())
                    .isGreaterThanOrEqualTo(0);
            provider.cleanupJob();
        }

        @Override
        public void close() {
            provider.close();
        }
    }

    private VolumeName backUp(byte[] content) {
        try (Job job = new Job(++time)) {
            job.asks();
            job.reads(content);
            job.succeeds();
            return job.volume;
        }
    }

    private ListedVolume listed(VolumeName volume) {
        return listed().stream()
                .filter(each -> each.volume().volid().volume().equals(volume))
                .findFirst()
                .orElseThrow(() -> new AssertionError("'" + volume + "' is not listed"));
    }

    private List<ListedVolume> listed() {
        return plugin().listVolumes(subject().storage(), guest, Set.of(ContentType.BACKUP));
    }

    private List<VolumeName> names() {
        return listed().stream().map(each -> each.volume().volid().volume()).toList();
    }

    private byte[] restored(VolumeName volume) throws IOException {
        try (BackupProvider provider = provider()) {
            assertThat(provider.restoreMechanism(volume)).isEqualTo(RestoreMechanism.QEMU_IMG);
            try {
                assertThat(provider.initVmRestore(volume)).isEqualTo(Map.of(DISK, ByteSize.ofBytes(SIZE)));
                Path path = provider.initVolumeRestore(volume, DISK);
                assertThat(path).exists();
                byte[] content = Files.readAllBytes(path);
                provider.cleanupVolumeRestore(volume, DISK);
                return content;
            } finally {
                provider.cleanupVmRestore(volume);
            }
        }
    }

    // ---- archives

    @Test
    @Check(
            calls = {"backup_vm", "list_volumes", "parse_volname"},
            otherwise = "Take no backup for made before a list shows it: pruning, notes and restores go by lists.")
    void anArchiveIsListedOnceItsDataAreThere() {
        try (Job job = new Job(++time)) {
            job.asks();
            job.reads(random(1));

            ListedVolume entry = listed(job.volume);
            assertThat(entry.subtype()).isEqualTo("qemu");
            assertThat(entry.content()).isEqualTo(ContentType.BACKUP);
            assertThat(entry.volume().owner()).isEqualTo(guest);
            assertThat(plugin().parseVolname(job.volume).owner()).isEqualTo(guest);
            job.succeeds();
        }
    }

    @Test
    @Check(
            calls = {"backup_init", "backup_cleanup", "list_volumes"},
            otherwise = "Restore from nothing that is listed while a backup runs.")
    void anArchiveWithoutItsDataIsNotListed() {
        try (Job job = new Job(++time)) {
            assertThat(names()).isEmpty();
            job.asks();
            assertThat(names()).isEmpty();
            job.provider.abortBackup(guest, GuestType.QEMU, "enough");
            job.provider.cleanupJob();
        }
    }

    /** PVE's lists and its view of a volume want one. */
    @Test
    @Check(calls = "list_volumes", otherwise = "Go without the size of backups in PVE's lists.")
    void anArchiveHasASize() {
        VolumeName volume = backUp(random(1));
        assertThat(listed(volume).volume().size()).matches(size -> size != null && size.bytes() > 0, "it has a size");
    }

    @Test
    @Check(
            calls = {"update_volume_attribute", "get_volume_attribute"},
            otherwise = "Give backups no notes: a job that does so fails after its data were read.")
    void notesAreKeptFromWhenTheDataAreThere() {
        try (Job job = new Job(++time)) {
            job.asks();
            job.reads(random(1));
            plugin().updateAttribute(subject().storage(), job.volume, VolumeAttribute.NOTES, "first\nsecond");
            job.succeeds();
            assertThat(plugin().attribute(subject().storage(), job.volume, VolumeAttribute.NOTES))
                    .contains("first\nsecond");
        }
    }

    @Test
    @Check(
            calls = {"backup_vm", "restore_vm_volume_init"},
            otherwise = "Keep no backups here.")
    void aDiskIsRestoredAsItWas() throws IOException {
        byte[] content = random(1);
        Arrays.fill(content, 1 << 20, 6 << 20, (byte) 0);
        try (Job job = new Job(++time)) {
            assertThat(job.asks()).as("nothing is a base yet").isIn(BitmapUse.NEW, BitmapUse.NONE);
            job.reads(content);
            job.succeeds();
            assertThat(restored(job.volume)).isEqualTo(content);
        }
    }

    @Test
    @Check(
            calls = {"archive_get_guest_config", "archive_get_firewall_config"},
            otherwise = "Keep a copy of the guests' configurations elsewhere.")
    void configurationsComeBackToTheByteOnAnyObject() {
        VolumeName none = backUp(random(2));
        RawConfig firewall = RawConfig.of(new byte[] {'[', (byte) 0xff, ']', '\n'});
        VolumeName some = backUp(firewall);
        try (BackupProvider fresh = provider()) {
            assertThat(fresh.guestConfig(none)).isEqualTo(CONFIG);
            assertThat(fresh.firewallConfig(none)).isEmpty();
            assertThat(fresh.firewallConfig(some)).contains(firewall);
        }
    }

    @Test
    @Check(calls = "archive_get_firewall_config", otherwise = "End each configuration with a line feed.")
    void aConfigurationNeedNotEndInALine() {
        RawConfig firewall = RawConfig.of(new byte[] {'[', (byte) 0xff, ']', '\r', '\n', 0});
        VolumeName volume = backUp(firewall);
        try (BackupProvider fresh = provider()) {
            assertThat(fresh.firewallConfig(volume)).contains(firewall);
        }
    }

    private VolumeName backUp(RawConfig firewall) {
        try (Job job = new Job(++time)) {
            job.asks();
            job.reads(random(2), Optional.of(firewall));
            job.succeeds();
            return job.volume;
        }
    }

    @Test
    @Check(
            calls = {"update_volume_attribute", "free_image"},
            otherwise = "Do not rely on the protection of backups.")
    void anArchiveThatIsProtectedIsNotRemoved() {
        VolumeName volume = backUp(random(3));
        plugin().updateAttribute(subject().storage(), volume, VolumeAttribute.PROTECTED, "1");
        assertThatThrownBy(() -> plugin().freeImage(subject().storage(), volume, false, null))
                .isInstanceOf(StorageException.class);
        plugin().updateAttribute(subject().storage(), volume, VolumeAttribute.PROTECTED, "0");
        plugin().freeImage(subject().storage(), volume, false, null).ifPresent(cleanup -> cleanup.run());
        assertThat(names()).isEmpty();
    }

    @Test
    @Check(calls = "prune_backups", otherwise = "Prune nothing here, and remove backups by name.")
    void onlyTheNewestAreKeptWhenOthersArePruned() throws IOException {
        requires(subject().prunes(), "the storage prunes nothing of its own");
        byte[] content = random(4);
        List<VolumeName> volumes = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            volumes.add(backUp(content));
        }
        List<PruneMark> marks = plugin().pruneBackups(
                        subject().storage(),
                        new Retention(Map.of("keep-last", 1L)),
                        new BackupSelection(guest, "qemu"),
                        false,
                        (level, line) -> {})
                .marks();
        assertThat(marks)
                .extracting(PruneMark::volid)
                .containsExactlyInAnyOrderElementsOf(volumes.stream()
                        .map(volume -> new VolumeId(subject().storage().id(), volume))
                        .toList());
        assertThat(names()).containsExactly(volumes.getLast());
        assertThat(restored(volumes.getLast())).isEqualTo(content);
    }

    // ---- incremental backups

    @Test
    @Check(
            calls = {"backup_vm_query_incremental", "backup_vm"},
            otherwise = "Have every backup read all: the incremental ones cannot be restored.")
    void onlyWhatIsDirtyIsReadAndTheArchiveIsWhole() throws IOException {
        requires(subject().isIncremental(), "the provider makes no incremental backups");
        byte[] first = random(5);
        VolumeName base = backUp(first);
        byte[] second = first.clone();
        second[SnapshotDisk.BLOCK + 7]++;
        second[SIZE - 1]++;
        try (Job job = new Job(++time)) {
            assertThat(job.asks()).isEqualTo(BitmapUse.USE);
            job.reads(second, blocks(1, 2));
            job.succeeds();
            assertThat(restored(job.volume)).isEqualTo(second);
        }
        assertThat(restored(base)).isEqualTo(first);
    }

    /** Only the host knows that it has no bitmap. */
    @Test
    @Check(
            calls = {"backup_vm_query_incremental", "backup_vm"},
            otherwise = "Have every backup read all: after a restart of the guest an archive has holes.")
    void allIsReadIfTheBitmapIsGone() throws IOException {
        requires(subject().isIncremental(), "the provider makes no incremental backups");
        backUp(random(5));
        byte[] second = random(6);
        try (Job job = new Job(++time)) {
            assertThat(job.asks()).isEqualTo(BitmapUse.USE);
            job.reads(second);
            job.succeeds();
            assertThat(restored(job.volume)).isEqualTo(second);
        }
    }

    private BitmapUse asked(Vmid other, DeviceName device, long size) {
        requires(subject().isIncremental(), "the provider makes no incremental backups");
        try (BackupProvider provider = provider()) {
            return provider.queryIncremental(other, Map.of(device, ByteSize.ofBytes(size)))
                    .getOrDefault(device, BitmapUse.NONE);
        }
    }

    @Test
    @Check(
            calls = "backup_vm_query_incremental",
            otherwise = "Have every backup read all: one may build on the disk of another guest.")
    void theBackupOfAnotherGuestOrDeviceIsNoBase() {
        backUp(random(6));
        assertThat(asked(new Vmid(999_999), DISK, SIZE)).isNotEqualTo(BitmapUse.USE);
        assertThat(asked(guest, new DeviceName("drive-virtio7"), SIZE)).isNotEqualTo(BitmapUse.USE);
    }

    @Test
    @Check(calls = "backup_vm_query_incremental", otherwise = "Have all read after a disk has grown.")
    void aDiskOfAnotherSizeIsNoBase() {
        backUp(random(6));
        assertThat(asked(guest, DISK, SIZE + 512L)).isNotEqualTo(BitmapUse.USE);
    }

    @Test
    @Check(
            calls = {"backup_vm_query_incremental", "free_image"},
            otherwise = "Have all read after a backup was removed.")
    void aBackupThatWasRemovedIsNoBase() {
        VolumeName base = backUp(random(6));
        plugin().freeImage(subject().storage(), base, false, null).ifPresent(cleanup -> cleanup.run());
        assertThat(asked(guest, DISK, SIZE)).isNotEqualTo(BitmapUse.USE);
    }

    // ---- failures

    @Test
    @Check(
            calls = {"job_cleanup", "backup_cleanup", "restore_vm_cleanup"},
            otherwise = "Expect warnings, and look for what is left, after a job that failed early.")
    void whateverCleansUpMayComeTwiceAndFirst() {
        try (BackupProvider provider = provider()) {
            provider.cleanupJob();
            provider.abortBackup(guest, null, "no such guest");
            provider.abortBackup(guest, GuestType.QEMU, "no such guest");
            VolumeName volume = backUp(random(7));
            provider.cleanupVmRestore(volume);
            provider.cleanupVmRestore(volume);
            provider.cleanupJob();
            assertThat(names()).containsExactly(volume);
        }
    }

    @Test
    @Check(
            calls = {"backup_vm", "backup_cleanup"},
            otherwise = "Look at the log of a job before its archive is trusted.")
    void aBackupThatFailsLeavesNoArchive() {
        try (Job job = new Job(++time)) {
            job.asks();
            assertThatThrownBy(job::readsWhatFails).isInstanceOf(StorageException.class);
            job.provider.abortBackup(guest, GuestType.QEMU, "it failed");
            job.provider.cleanupJob();
        }
        assertThat(names()).isEmpty();
    }

    @Test
    @Check(calls = "backup_cleanup", otherwise = "Look at the log of a job before its archive is trusted.")
    void aBackupWithoutDataIsNoSuccess() {
        try (Job job = new Job(++time)) {
            assertThatThrownBy(() -> job.provider.cleanupBackup(guest, GuestType.QEMU))
                    .isInstanceOf(StorageException.class);
            job.provider.abortBackup(guest, GuestType.QEMU, "it failed");
            job.provider.cleanupJob();
        }
        assertThat(names()).isEmpty();
    }

    /** QEMU has forgotten what was dirty before. */
    @Test
    @Check(
            calls = {"backup_cleanup", "backup_vm_query_incremental"},
            otherwise = "Have all read after a job has failed.")
    void anArchiveIsABaseOnlyIfItIsThereAfterALateFailure() throws IOException {
        byte[] first = random(8);
        backUp(first);
        byte[] second = random(9);
        try (Job job = new Job(++time)) {
            job.asks();
            job.reads(second);
            job.provider.abortBackup(guest, GuestType.QEMU, "the protected flag failed");
            job.provider.cleanupJob();
        }
        byte[] third = second.clone();
        third[5]++;
        try (Job job = new Job(++time)) {
            job.asks();
            job.reads(third, blocks(0));
            job.succeeds();
            assertThat(restored(job.volume)).isEqualTo(third);
        }
    }

    @Test
    @Check(
            calls = {"restore_vm_volume_init", "backup_init"},
            otherwise = "Restore while no backup runs.")
    void anArchiveIsRestoredWhileAnotherIsMade() throws IOException {
        byte[] content = random(10);
        VolumeName volume = backUp(content);
        try (Job job = new Job(++time)) {
            job.asks();
            assertThat(restored(volume)).isEqualTo(content);
            job.reads(random(11));
            assertThat(restored(volume)).isEqualTo(content);
            job.succeeds();
        }
    }

    @Test
    @Check(
            calls = {"restore_vm_init", "archive_get_guest_config"},
            otherwise = "Look whether an archive is listed before a guest is overwritten with it.")
    void whatIsNotThereIsSaidBeforeAnythingIsLost() {
        VolumeName volume = backUp(random(12));
        plugin().freeImage(subject().storage(), volume, false, null).ifPresent(cleanup -> cleanup.run());
        try (BackupProvider provider = provider()) {
            assertThatThrownBy(() -> provider.initVmRestore(volume)).isInstanceOf(StorageException.class);
            provider.cleanupVmRestore(volume);
            assertThatThrownBy(() -> provider.guestConfig(volume)).isInstanceOf(StorageException.class);
        }
    }

    // ---- containers

    /** The files of a container whose root is this process's own user. */
    private ContainerTree tree() throws IOException {
        Path root = Files.createDirectory(own.resolve("c" + NUMBERS.incrementAndGet()));
        Files.createDirectories(root.resolve("etc"));
        Files.createDirectories(root.resolve("tmp"));
        Files.writeString(root.resolve("etc/hostname"), "guest\n");
        Files.createLink(root.resolve("etc/same"), root.resolve("etc/hostname"));
        Files.createSymbolicLink(root.resolve("etc/link"), Path.of("../nowhere"));
        Files.writeString(root.resolve("tmp/left-out"), "left out");
        long owner = ((Number) Files.getAttribute(root, "unix:uid")).longValue();
        return new ContainerTree(root, List.of("./"), owner, OptionalLong.empty());
    }

    private VolumeName backUpContainer(Runnable beforeCleanup) throws IOException {
        requires(subject().keepsContainers(), "the provider keeps no containers");
        ContainerTree tree = tree();
        try (BackupProvider provider = provider()) {
            VolumeName volume = begin(provider);
            assertThat(provider.backupMechanism(guest, GuestType.LXC)).isEqualTo(BackupMechanism.DIRECTORY);
            provider.prepareContainer(guest, tree, BackupLimits.NONE);
            RawConfig noFirewall = RawConfig.of(new byte[0]);
            provider.backupContainer(
                    guest,
                    new GuestConfigs(CONFIG, Optional.of(noFirewall)),
                    List.of("/tmp/?*"),
                    tree,
                    BackupLimits.NONE);
            beforeCleanup.run();
            var _ = provider.cleanupBackup(guest, GuestType.LXC);
            provider.cleanupJob();
            return volume;
        }
    }

    @Test
    @Check(
            calls = {"backup_container", "list_volumes"},
            otherwise = "Name containers' archives by hand: PVE offers them for VMs.")
    void aContainersArchiveIsListedAsSuch() throws IOException {
        var _ = backUpContainer(() ->
                assertThat(listed()).singleElement().matches(each -> "lxc".equals(each.subtype()), "is a container's"));
    }

    @Test
    @Check(
            calls = {"backup_container", "restore_container_init"},
            otherwise = "Keep no backups of containers here.")
    void aContainerIsRestoredAsItWas() throws IOException {
        VolumeName volume = backUpContainer(() -> {});
        try (BackupProvider provider = provider()) {
            assertThat(provider.guestConfig(volume)).isEqualTo(CONFIG);
            RestoreMechanism mechanism = provider.restoreMechanism(volume);
            ContainerArchive archive = provider.initContainerRestore(volume);
            assertThat(archive.mechanism()).isEqualTo(mechanism);
            Path root = switch (archive) {
                case ContainerArchive.Directory(Path directory) -> directory;
                case ContainerArchive.Tar(Path file) -> unpacked(file);
            };
            assertThat(root.resolve("etc/hostname")).hasContent("guest");
            assertThat(Files.getAttribute(root.resolve("etc/same"), "unix:ino"))
                    .isEqualTo(Files.getAttribute(root.resolve("etc/hostname"), "unix:ino"));
            assertThat(Files.readSymbolicLink(root.resolve("etc/link"))).isEqualTo(Path.of("../nowhere"));
            assertThat(root.resolve("tmp")).isEmptyDirectory();
            provider.cleanupContainerRestore(volume);
            provider.cleanupContainerRestore(volume);
        }
    }

    @Test
    @Check(
            calls = {"backup_get_mechanism", "backup_cleanup"},
            otherwise = "Leave containers out of the jobs that back up to this storage.")
    void containersAreKeptOrRefusedWithNothingDone() {
        try (BackupProvider provider = provider()) {
            var _ = begin(provider);
            if (subject().keepsContainers()) {
                assertThat(provider.backupMechanism(guest, GuestType.LXC)).isEqualTo(BackupMechanism.DIRECTORY);
            } else {
                assertThatThrownBy(() -> provider.backupMechanism(guest, GuestType.LXC))
                        .isInstanceOf(StorageException.class)
                        .message()
                        .isNotBlank()
                        .doesNotContain("\n");
            }
            provider.abortBackup(guest, GuestType.LXC, "it was only asked");
            provider.cleanupJob();
        }
        assertThat(names()).isEmpty();
    }

    private VolumeName begin(BackupProvider provider) {
        Instant start = Instant.ofEpochSecond(++time);
        provider.initJob(start);
        return provider.initBackup(guest, GuestType.LXC, start).volume();
    }

    private Path unpacked(Path tar) throws IOException {
        Path root = Files.createDirectory(own.resolve("u" + NUMBERS.incrementAndGet()));
        ShortCommand.Ended ended = new ShortCommand(
                        List.of("tar", "--extract", "--file=" + tar, "--directory=" + root), Map.of(), Kit.USUAL_LIMIT)
                .run();
        assertThat(ended.exitCode()).as(ended.output() + ended.errors()).isZero();
        return root;
    }

    /** PVE takes a child that was killed for one that ended well. */
    @Test
    @Check(
            calls = {"backup_container", "backup_cleanup"},
            otherwise = "Look at the log of a container's backup before it is trusted.")
    void aContainerWhoseChildEndedTooEarlyIsNoSuccess() throws IOException {
        requires(subject().keepsContainers(), "the provider keeps no containers");
        ContainerTree tree = tree();
        try (BackupProvider provider = provider()) {
            var _ = begin(provider);
            var _ = provider.backupMechanism(guest, GuestType.LXC);
            provider.prepareContainer(guest, tree, BackupLimits.NONE);
            assertThatThrownBy(() -> provider.cleanupBackup(guest, GuestType.LXC))
                    .isInstanceOf(StorageException.class);
            provider.abortBackup(guest, GuestType.LXC, "it failed");
            provider.cleanupJob();
        }
        assertThat(names()).isEmpty();
    }
}

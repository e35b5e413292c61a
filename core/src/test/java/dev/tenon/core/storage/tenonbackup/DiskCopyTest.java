package dev.tenon.core.storage.tenonbackup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.tenon.core.NativeTypes;
import dev.tenon.core.backup.nbd.BlockMap;
import dev.tenon.core.backup.nbd.Extent;
import dev.tenon.core.backup.nbd.FileDisk;
import dev.tenon.core.backup.nbd.NbdServer;
import dev.tenon.core.backup.nbd.ServedDisk;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.backup.ArchiveName;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.DiskAccess;
import dev.tenon.core.spi.backup.GuestConfigs;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DiskCopyTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final DeviceName DEVICE = new DeviceName("drive-scsi0");
    private static final int SIZE = 1 << 20;
    private static final Instant START = Instant.ofEpochSecond(1_700_000_000);

    @TempDir
    Path directory;

    private record Zeroes(long size) implements ServedDisk {
        @Override
        public void read(long offset, ByteBuffer into) {
            into.position(into.limit());
        }

        @Override
        public Map<String, BlockMap> contexts() {
            return Map.of(
                    Extent.ALLOCATION,
                    (offset, length, most) -> List.of(new Extent(offset, length, Extent.HOLE | Extent.ZERO)));
        }
    }

    /** A disk of this process is read at once; by another name of its socket it is read over NBD, as others are. */
    private Path socket(NbdServer server, boolean isFar) throws IOException {
        return isFar ? Files.createSymbolicLink(directory.resolve("far.sock"), server.socket()) : server.socket();
    }

    private static BackupDisk disk(Path socket, long size) {
        return new BackupDisk(
                ByteSize.ofBytes(size), BitmapMode.NONE, new DiskAccess.Nbd(socket, DEVICE.value(), Optional.empty()));
    }

    private StoragePlugin plugin() {
        return Objects.requireNonNull(NativeTypes.all().get("tenonbackup"));
    }

    private Storage storage() throws IOException {
        Path repository = Files.createDirectory(directory.resolve("repository"));
        Repository.init(repository);
        return Storage.of("keep", "tenonbackup", Map.of("path", repository.toString()));
    }

    private static ArchiveName backUp(BackupProvider provider, Instant start, BackupDisk disk) {
        provider.initJob(start);
        ArchiveName archive = provider.initBackup(GUEST, GuestType.QEMU, start);
        provider.backupVm(
                GUEST,
                new GuestConfigs(RawConfig.of(new byte[0]), Optional.empty()),
                Map.of(DEVICE, disk),
                BackupLimits.NONE);
        return archive;
    }

    @ParameterizedTest
    @CsvSource({"-512, false", "-512, true", "512, false", "512, true"})
    void aDiskThatHasAnotherSizeThanTheHostSaidFailsTheBackup(int more, boolean isFar) throws IOException {
        StoragePlugin plugin = plugin();
        Storage storage = storage();
        int shown = SIZE + more;
        try (NbdServer server =
                        NbdServer.listen(directory.resolve("nbd.sock"), Map.of(DEVICE.value(), new Zeroes(shown)));
                BackupProvider provider = plugin.newBackupProvider(storage, (level, line) -> {})) {
            BackupDisk disk = disk(socket(server, isFar), SIZE);

            assertThatThrownBy(() -> backUp(provider, START, disk))
                    .isInstanceOf(StorageException.class)
                    .hasMessageContaining("and shows " + shown + " bytes");

            provider.abortBackup(GUEST, GuestType.QEMU, "it failed");
            provider.cleanupJob();
        }
        assertThat(plugin.listVolumes(storage, null, Set.of(ContentType.BACKUP)))
                .isEmpty();
    }

    @Test
    void aBackupThatCannotBeReadHidesNoOtherAndTakesNoPlaceOfAGoodOne() throws IOException {
        StoragePlugin plugin = plugin();
        Storage storage = storage();
        List<ArchiveName> archives = new ArrayList<>();
        try (NbdServer server =
                        NbdServer.listen(directory.resolve("nbd.sock"), Map.of(DEVICE.value(), new Zeroes(SIZE)));
                BackupProvider provider = plugin.newBackupProvider(storage, (level, line) -> {})) {
            for (int i = 0; i < 2; i++) {
                archives.add(backUp(provider, START.plusSeconds(i), disk(server.socket(), SIZE)));
                provider.cleanupBackup(GUEST, GuestType.QEMU);
            }
        }
        Path record;
        try (Stream<Path> records = Files.walk(directory.resolve("repository/snapshots"))) {
            record = records.filter(Files::isRegularFile)
                    .filter(file -> file.toString()
                            .contains(Archives.id(archives.getLast().volume())
                                    .time()
                                    .toString()))
                    .findFirst()
                    .orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(record);
        bytes[bytes.length / 2] ^= 1;
        Files.write(record, bytes);

        assertThat(plugin.listVolumes(storage, null, Set.of(ContentType.BACKUP)))
                .extracting(ListedVolume::volume)
                .extracting(VolumeInfo::volid, VolumeInfo::size)
                .containsExactlyInAnyOrder(
                        tuple(new VolumeId(storage.id(), archives.getFirst().volume()), ByteSize.ofBytes(SIZE)),
                        tuple(new VolumeId(storage.id(), archives.getLast().volume()), ByteSize.ofBytes(0)));
        assertThat(plugin.pruneBackups(
                                storage,
                                new Retention(Map.of("keep-last", 1L)),
                                new BackupSelection(GUEST, null),
                                true,
                                (level, line) -> {})
                        .marks())
                .extracting(PruneMark::volid, PruneMark::mark)
                .containsExactly(
                        tuple(new VolumeId(storage.id(), archives.getFirst().volume()), "keep"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void holesAndDataOfAFileComeBack(boolean isFar) throws IOException {
        byte[] bytes = new byte[(13 << 20) + 512];
        Random random = new Random(1);
        Path image = directory.resolve("image.raw");
        try (FileChannel file = FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(bytes, bytes.length - 1, 1), bytes.length - 1);
            // Not at the borders of chunks, and the last one is part of one.
            for (int at : new int[] {8192, 5 << 20, (12 << 20) + 4096}) {
                byte[] data = new byte[70_000];
                random.nextBytes(data);
                System.arraycopy(data, 0, bytes, at, data.length);
                file.write(ByteBuffer.wrap(data), at);
            }
        }
        Storage storage = storage();
        Path restored = Files.createFile(directory.resolve("restored.raw"));
        try (FileDisk served = FileDisk.open(image, false, Map.of());
                NbdServer server = NbdServer.listen(directory.resolve("nbd.sock"), Map.of(DEVICE.value(), served));
                BackupProvider provider = plugin().newBackupProvider(storage, (level, line) -> {})) {
            VolumeName volume = backUp(provider, START, disk(socket(server, isFar), bytes.length))
                    .volume();
            var _ = provider.cleanupBackup(GUEST, GuestType.QEMU);
            provider.cleanupJob();
            var _ = provider.initVmRestore(volume);
            assertThat(provider.copyVolume(volume, DEVICE, restored, BackupLimits.NONE, _ -> {}))
                    .isTrue();
            provider.cleanupVmRestore(volume);
        }
        assertThat(restored).hasBinaryContent(bytes);
    }
}

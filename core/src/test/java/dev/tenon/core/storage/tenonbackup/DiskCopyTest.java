package dev.tenon.core.storage.tenonbackup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.NativeTypes;
import dev.tenon.core.backup.nbd.BlockMap;
import dev.tenon.core.backup.nbd.Extent;
import dev.tenon.core.backup.nbd.NbdServer;
import dev.tenon.core.backup.nbd.ServedDisk;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DiskCopyTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final DeviceName DEVICE = new DeviceName("drive-scsi0");
    private static final int SIZE = 1 << 20;

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

    @ParameterizedTest
    @ValueSource(ints = {SIZE - 512, SIZE + 512})
    void aDiskThatHasAnotherSizeThanTheHostSaidFailsTheBackup(int shown) throws IOException {
        Path repository = Files.createDirectory(directory.resolve("repository"));
        Repository.init(repository);
        StoragePlugin plugin = Objects.requireNonNull(NativeTypes.all().get("tenonbackup"));
        Storage storage = Storage.of("keep", "tenonbackup", Map.of("path", repository.toString()));
        try (NbdServer server =
                        NbdServer.listen(directory.resolve("nbd.sock"), Map.of(DEVICE.value(), new Zeroes(shown)));
                BackupProvider provider = plugin.newBackupProvider(storage, (level, line) -> {})) {
            Instant start = Instant.ofEpochSecond(1_700_000_000);
            provider.initJob(start);
            var _ = provider.initBackup(GUEST, GuestType.QEMU, start);
            BackupDisk disk = new BackupDisk(
                    ByteSize.ofBytes(SIZE),
                    BitmapMode.NONE,
                    new DiskAccess.Nbd(server.socket(), DEVICE.value(), Optional.empty()));

            assertThatThrownBy(() -> provider.backupVm(
                            GUEST,
                            new GuestConfigs(RawConfig.of(new byte[0]), Optional.empty()),
                            Map.of(DEVICE, disk),
                            BackupLimits.NONE))
                    .isInstanceOf(StorageException.class)
                    .hasMessageContaining("and shows " + shown + " bytes");

            provider.abortBackup(GUEST, GuestType.QEMU, "it failed");
            provider.cleanupJob();
        }
        assertThat(plugin.listVolumes(storage, null, Set.of(ContentType.BACKUP)))
                .isEmpty();
    }
}

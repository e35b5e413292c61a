package dev.tenon.core.backup.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.backup.nbd.NbdException;
import dev.tenon.core.command.Command;
import dev.tenon.core.image.ImageInUseException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.DeviceName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images of guests that do not run. */
@SuppressWarnings("NullAway") // what is missing fails the test
class OfflineDisksTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 32 * MIB;
    private static final DeviceName DEVICE = new DeviceName("drive-scsi0");
    private static final StorageId STORAGE = new StorageId("vault");
    private static final String BITMAP = "snapshot-access:vault";

    @TempDir
    Path directory;

    private Path qcow2 = Path.of("");

    @BeforeEach
    void make() {
        qcow2 = directory.resolve("disk, one.qcow2");
        Command.of("qemu-img", "create", "-q", "-f", "qcow2", qcow2.toString(), Integer.toString(SIZE))
                .run();
        write(1, "0", "8M");
    }

    private void write(int value, String offset, String length) {
        Command.of("qemu-io", "-f", "qcow2", "-c", "write -P " + value + " " + offset + " " + length, qcow2.toString())
                .run();
    }

    private byte[] content() throws IOException {
        Path raw = directory.resolve("content.raw");
        Command.of("qemu-img", "convert", "-O", "raw", qcow2.toString(), raw.toString())
                .run();
        return Files.readAllBytes(raw);
    }

    private List<String> bitmaps() {
        return Command.of("qemu-img", "info", qcow2.toString())
                .run()
                .lines()
                .filter(line -> line.strip().startsWith("name: ") || line.contains("in-use"))
                .map(line -> line.replaceFirst(".*: ", ""))
                .toList();
    }

    private WorkDirectory work() throws IOException {
        return WorkDirectory.make(directory.resolve("run"));
    }

    private Qcow2Disks open(WorkDirectory work) throws IOException {
        return Qcow2Disks.open(work, STORAGE, Map.of(DEVICE, qcow2));
    }

    private BackupDisk show(GuestDisks disks, BitmapUse use) throws IOException {
        return disks.show(Map.of(DEVICE, use)).get(DEVICE);
    }

    @Test
    void anImageKeepsItsBitmapFromBackupToBackup() throws IOException {
        byte[] copy = new byte[SIZE];
        try (WorkDirectory work = work();
                Qcow2Disks disks = open(work)) {
            BackupDisk disk = show(disks, BitmapUse.USE);
            assertThat(disk.bitmap()).isEqualTo(BitmapMode.NEW);
            Disks.assertWholeIsDirty(disk);
            Disks.read(disk, copy);
            assertThat(copy).isEqualTo(content());
            disks.committed();
        }
        assertThat(bitmaps()).containsExactly(BITMAP);
        write(2, "20M", "4k");
        try (WorkDirectory work = work();
                Qcow2Disks disks = open(work)) {
            BackupDisk disk = show(disks, BitmapUse.USE);
            assertThat(disk.bitmap()).isEqualTo(BitmapMode.REUSE);
            assertThat(Disks.read(disk, copy).keySet()).containsExactly(20L, 21L, 22L, 23L);
            assertThat(copy).isEqualTo(content());
            assertThatThrownBy(() -> Disks.at(disk, 0))
                    .as("what is clean cannot be read")
                    .isInstanceOf(NbdException.class);
        }
        try (WorkDirectory work = work();
                Qcow2Disks disks = open(work)) {
            BackupDisk disk = show(disks, BitmapUse.USE);
            assertThat(Disks.read(disk, copy).keySet())
                    .as("the last one was not committed")
                    .containsExactly(20L, 21L, 22L, 23L);
            disks.committed();
        }
        try (WorkDirectory work = work();
                Qcow2Disks disks = open(work)) {
            assertThat(Disks.read(show(disks, BitmapUse.USE), copy)).isEmpty();
        }
        try (WorkDirectory work = work();
                Qcow2Disks disks = open(work)) {
            assertThat(disks.show(Map.of()).get(DEVICE).bitmap()).isEqualTo(BitmapMode.NONE);
            disks.committed();
        }
        assertThat(bitmaps()).isEmpty();
    }

    /** A QEMU that was killed leaves a bitmap that misses what was written last. */
    @Test
    void aBitmapThatIsInconsistentIsNotUsed() throws Exception {
        byte[] copy = new byte[SIZE];
        try (WorkDirectory work = work();
                Qcow2Disks disks = open(work)) {
            Disks.read(show(disks, BitmapUse.NEW), copy);
            disks.committed();
        }
        Process guest = new ProcessBuilder("qemu-io", "-f", "qcow2", qcow2.toString())
                .redirectErrorStream(true)
                .start();
        guest.getOutputStream()
                .write("write -P 3 10M 4k\nflush\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        guest.getOutputStream().flush();
        StringBuilder said = new StringBuilder();
        while (!said.toString().contains("ops")) {
            said.append((char) guest.getInputStream().read());
        }
        guest.destroyForcibly().waitFor();
        assertThat(bitmaps()).containsExactly("in-use", BITMAP);

        try (WorkDirectory work = work();
                Qcow2Disks disks = open(work)) {
            BackupDisk disk = show(disks, BitmapUse.USE);
            assertThat(disk.bitmap()).isEqualTo(BitmapMode.NEW);
            Disks.read(disk, copy);
            assertThat(copy).isEqualTo(content());
            disks.committed();
        }
        assertThat(bitmaps()).containsExactly(BITMAP);
        write(4, "12M", "4k");
        try (WorkDirectory work = work();
                Qcow2Disks disks = open(work)) {
            assertThat(Disks.read(show(disks, BitmapUse.USE), copy).keySet()).containsExactly(12L, 13L, 14L, 15L);
            assertThat(copy).isEqualTo(content());
        }
    }

    @Test
    void aBackupThatFailsLeavesTheImageAsItWas() throws IOException {
        byte[] before = Files.readAllBytes(qcow2);
        try (WorkDirectory work = work();
                Qcow2Disks disks = open(work)) {
            Disks.read(show(disks, BitmapUse.NEW), new byte[SIZE]);
        }
        assertThat(Files.readAllBytes(qcow2)).isEqualTo(before);
    }

    @Test
    void aGuestThatRunsIsRefusedAndMeanwhileNoneCanStart() throws IOException {
        try (WorkDirectory work = work()) {
            try (var guest = dev.tenon.core.testing.Qemu.open(qcow2)) {
                assertThat(guest).isNotNull();
                assertThatThrownBy(() -> open(work).close())
                        .hasMessageContaining("'" + qcow2 + "' is open for writing, most likely by a guest that runs");
            }
        }
        try (WorkDirectory work = work();
                Qcow2Disks disks = open(work)) {
            assertThat(disks.sizes()).hasSize(1);
            assertThat(Command.of("qemu-io", "-f", "qcow2", "-c", "write 0 4k", qcow2.toString())
                            .end()
                            .exitCode())
                    .isNotZero();
        }
    }

    /** Its bitmap has more than one cluster, and neither ends with the disk. */
    @Test
    void ofALargeDiskTooAllIsDirtyWhenItsBitmapBegins() throws IOException {
        long size = (9L << 40) + 512;
        qcow2 = directory.resolve("large.qcow2");
        Command.of("qemu-img", "create", "-q", "-f", "qcow2", qcow2.toString(), Long.toString(size))
                .run();
        try (WorkDirectory work = work();
                Qcow2Disks disks = open(work)) {
            BackupDisk disk = show(disks, BitmapUse.NEW);
            assertThat(disk.size().bytes()).isEqualTo(size);
            Disks.assertWholeIsDirty(disk);
        }
    }

    @Test
    void whatIsNoQcow2IsNamed() throws IOException {
        Path other = Files.write(directory.resolve("other.qcow2"), new byte[MIB]);
        try (WorkDirectory work = work()) {
            assertThatThrownBy(() -> Qcow2Disks.open(work, STORAGE, Map.of(DEVICE, other))
                            .close())
                    .hasMessageContaining("Image is not in qcow2 format")
                    .hasMessageContaining("disk 'drive-scsi0' is '" + other + "'");
        }
    }

    @Test
    void rawFilesAreReadWholeAndKeptFromQemu() throws IOException {
        Path raw = directory.resolve("disk.raw");
        byte[] data = new byte[3 * MIB + 512];
        Arrays.fill(data, MIB, 2 * MIB, (byte) 6);
        Files.write(raw, data);
        byte[] copy = new byte[data.length];
        try (WorkDirectory work = work();
                RawDisks disks = RawDisks.open(work, Map.of(DEVICE, raw))) {
            assertThat(disks.sizes().get(DEVICE).bytes()).isEqualTo(data.length);
            BackupDisk disk = show(disks, BitmapUse.USE);
            assertThat(disk.bitmap()).isEqualTo(BitmapMode.NONE);
            Disks.read(disk, copy);
            assertThat(Command.of("qemu-io", "-f", "raw", "-c", "write 0 4k", raw.toString())
                            .end()
                            .exitCode())
                    .isNotZero();
            disks.committed();
        }
        assertThat(copy).isEqualTo(data);
        Process guest = new ProcessBuilder("qemu-io", "-f", "raw", raw.toString()).start();
        try {
            guest.getOutputStream().write("length\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            guest.getOutputStream().flush();
            assertThat(guest.getInputStream().read()).isPositive();
            try (WorkDirectory work = work()) {
                assertThatThrownBy(
                                () -> RawDisks.open(work, Map.of(DEVICE, raw)).close())
                        .isInstanceOf(ImageInUseException.class);
            }
        } finally {
            guest.destroyForcibly();
        }
    }
}

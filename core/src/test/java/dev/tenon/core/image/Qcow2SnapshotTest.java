package dev.tenon.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.testing.Qemu;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Qcow2SnapshotTest {
    private static final int COUNT_OFFSET = 60;
    private static final int TABLE_OFFSET = 64;

    @TempDir
    Path directory;

    private Path image = Path.of("/unset");

    @BeforeEach
    void makeImage() {
        image = directory.resolve("disk.qcow2");
        Qemu.create(directory, "-f", "qcow2", "disk.qcow2", "8M");
    }

    @Test
    void readsWhatQemuImgWrote() throws IOException {
        long before = Instant.now().getEpochSecond();
        take("one");
        Qemu.run(directory, List.of("qemu-img", "resize", "-q", "-f", "qcow2", "disk.qcow2", "16M"));
        take("zw\u00f6lf");

        List<Qcow2Snapshot> snapshots = Qcow2Snapshot.readAll(image);

        assertThat(snapshots).extracting(Qcow2Snapshot::id).containsExactly("1", "2");
        assertThat(snapshots).extracting(Qcow2Snapshot::name).containsExactly("one", "zw\u00f6lf");
        assertThat(snapshots)
                .extracting(Qcow2Snapshot::virtualSize)
                .containsExactly(ByteSize.ofKib(8 * 1024), ByteSize.ofKib(16 * 1024));
        assertThat(snapshots)
                .allSatisfy(snapshot -> assertThat(snapshot.timestamp())
                        .isBetween(before, Instant.now().getEpochSecond()));
    }

    @Test
    void findsNoneInAnImageWithoutSnapshots() throws IOException {
        assertThat(Qcow2Snapshot.readAll(image)).isEmpty();
    }

    @Test
    void refusesMoreSnapshotsThanQemuTakes() throws IOException {
        take("one");
        Qemu.patch(image, COUNT_OFFSET, (byte) 0, (byte) 1, (byte) 0, (byte) 1);

        assertThatThrownBy(() -> Qcow2Snapshot.readAll(image)).hasMessageContaining("it has 65537 snapshots");
    }

    @Test
    void refusesATableBeyondTheEnd() throws IOException {
        take("one");
        Qemu.patch(image, TABLE_OFFSET, (byte) 0x7f);

        assertThatThrownBy(() -> Qcow2Snapshot.readAll(image)).hasMessageContaining("it is truncated");
    }

    @Test
    void refusesATableWithANegativeOffset() throws IOException {
        take("one");
        Qemu.patch(image, TABLE_OFFSET, (byte) 0xff);

        assertThatThrownBy(() -> Qcow2Snapshot.readAll(image)).hasMessageContaining("it is truncated");
    }

    @Test
    void refusesWhatIsNoImage() throws IOException {
        Files.writeString(image, "garbage");

        assertThatThrownBy(() -> Qcow2Snapshot.readAll(image)).hasMessageEndingWith("Image is not in qcow2 format");
    }

    private void take(String name) {
        Qemu.run(directory, List.of("qemu-img", "snapshot", "-c", name, "disk.qcow2"));
    }
}

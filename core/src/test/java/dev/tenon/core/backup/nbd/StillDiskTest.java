package dev.tenon.core.backup.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.command.Command;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StillDiskTest {
    @TempDir
    Path directory;

    @Test
    void isTrimmedAsASnapshotAndKeepsItsContent() throws IOException {
        Path image = Peers.image(directory.resolve("disk.raw"), 1 << 20, 5);
        byte[] before = Files.readAllBytes(image);
        try (FileDisk disk = FileDisk.open(image, false, Map.of());
                NbdServer server =
                        NbdServer.listen(directory.resolve("s.sock"), Map.of("drive-scsi0", new StillDisk(disk)));
                NbdClient client =
                        NbdClient.connect(server.socket(), "drive-scsi0", Extent.ALLOCATION, Duration.ofSeconds(20))) {
            assertThat(client.export().isReadOnly()).isFalse();
            client.trim(0, 1 << 20);
            assertThatThrownBy(() -> client.write(0, ByteBuffer.allocate(512)))
                    .isInstanceOfSatisfying(
                            NbdException.class, e -> assertThat(e.error()).isEqualTo(NbdError.NOT_SUPPORTED));
            assertThatThrownBy(() -> client.zero(0, 512, true))
                    .isInstanceOfSatisfying(
                            NbdException.class, e -> assertThat(e.error()).isEqualTo(NbdError.NOT_SUPPORTED));
            ByteBuffer now = ByteBuffer.allocate(1 << 20);
            client.read(0, now);
            assertThat(now.array()).isEqualTo(before);
            String uri = Peers.uri(server.socket(), "drive-scsi0");
            assertThat(Command.of("nbdcopy", uri, directory.resolve("copy").toString())
                            .end()
                            .exitCode())
                    .isZero();
            assertThat(Command.of("qemu-io", "-f", "raw", "-c", "write 0 4k", uri)
                            .end()
                            .exitCode())
                    .isNotZero();
        }
        assertThat(Files.readAllBytes(image)).isEqualTo(before);
        assertThat(Files.readAllBytes(directory.resolve("copy"))).isEqualTo(before);
    }
}

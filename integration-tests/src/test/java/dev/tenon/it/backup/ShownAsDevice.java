package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.backup.host.ShownDisk;
import dev.tenon.core.backup.host.WorkDirectory;
import dev.tenon.core.backup.nbd.FileDisk;
import dev.tenon.core.command.Command;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** What {@link ShownAsDeviceTest} runs in a guest, whose kernel has neither FUSE nor NBD until they are loaded. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class ShownAsDevice {
    private static final int MIB = 1 << 20;

    private static Path image(Scratch scratch) throws IOException {
        byte[] content = new byte[8 * MIB];
        byte[] data = new byte[MIB];
        new Random(5).nextBytes(data);
        System.arraycopy(data, 0, content, 3 * MIB, MIB);
        return Files.write(scratch.file("image.raw"), content);
    }

    @Test
    @Order(1)
    void whereNothingCanShowADiskEachReasonIsTold(Scratch scratch) throws IOException {
        try (WorkDirectory work = WorkDirectory.make(scratch.runtime());
                FileDisk disk = FileDisk.open(image(scratch), false, Map.of())) {
            assertThatThrownBy(() -> ShownDisk.show(work, "drive-scsi0", disk).close())
                    .hasMessageContaining("there is no /dev/fuse")
                    .hasMessageEndingWith("no device /dev/nbdN is free; load the module nbd");
        }
    }

    @Test
    @Order(2)
    void withoutFuseADiskIsABlockDeviceAndFreeAfterwards(Scratch scratch) throws IOException {
        Command.of("busybox", "modprobe", "nbd").run();
        Path image = image(scratch);
        Path[] shown = new Path[2];
        try (WorkDirectory work = WorkDirectory.make(scratch.runtime());
                FileDisk disk = FileDisk.open(image, false, Map.of());
                FileDisk other = FileDisk.open(image, false, Map.of());
                ShownDisk first = ShownDisk.show(work, "drive-scsi0", disk);
                ShownDisk second = ShownDisk.show(work, "drive-scsi1", other)) {
            assertThat(first.path().toString()).startsWith("/dev/nbd");
            assertThat(second.path()).isNotEqualTo(first.path());
            Path copy = scratch.file("copy.raw");
            String device = first.path().toString();
            Command.of("qemu-img", "convert", "-f", "raw", "-O", "raw", device, copy.toString())
                    .run();
            assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
            assertThat(Command.of("qemu-io", "-f", "raw", "-c", "write 0 4k", device)
                            .end()
                            .exitCode())
                    .as("nobody writes to an archive")
                    .isNotZero();
            shown[0] = first.path();
            shown[1] = second.path();
        }
        for (Path device : Arrays.asList(shown)) {
            assertThat(Path.of("/sys/block", device.getFileName().toString(), "pid"))
                    .doesNotExist();
        }
    }
}

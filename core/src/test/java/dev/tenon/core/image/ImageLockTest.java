package dev.tenon.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.command.Command;
import dev.tenon.core.qemu.Qmp;
import dev.tenon.core.qemu.StorageDaemon;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Beside the real QEMU. */
class ImageLockTest {
    @TempDir
    Path directory;

    private Path image = Path.of("");

    @BeforeEach
    void make() throws IOException {
        image = Files.write(directory.resolve("disk.raw"), new byte[1 << 20]);
    }

    @Test
    void aQemuThatWritesIsSeen() throws IOException {
        Path own = Files.createDirectory(directory.resolve("qsd"));
        try (StorageDaemon daemon =
                StorageDaemon.start(own, List.of("--blockdev", "file,node-name=disk,filename=" + image))) {
            Qmp qmp = daemon.qmp();
            qmp.execute(
                    "nbd-server-start",
                    Map.of(
                            "addr",
                            Map.of(
                                    "type",
                                    "unix",
                                    "data",
                                    Map.of("path", own.resolve("n").toString()))));
            try (ImageLock lock = ImageLock.ofReader(image)) {
                assertThat(lock).as("nobody writes yet").isNotNull();
            }
            qmp.execute(
                    "block-export-add",
                    Map.of("type", "nbd", "id", "e", "node-name", "disk", "name", "d", "writable", true));

            assertThatThrownBy(() -> ImageLock.ofReader(image))
                    .isInstanceOf(ImageInUseException.class)
                    .hasMessage("image '" + image + "' is open for writing, most likely by a guest that runs");
        }
        try (ImageLock lock = ImageLock.ofReader(image)) {
            assertThat(lock).as("it has ended").isNotNull();
        }
    }

    @Test
    void meanwhileQemuMayReadAndNotWrite() throws IOException {
        try (ImageLock lock = ImageLock.ofReader(image);
                ImageLock second = ImageLock.ofReader(image)) {
            assertThat(lock).isNotEqualTo(second);
            assertThat(Command.of("qemu-img", "info", "-f", "raw", image.toString())
                            .end()
                            .exitCode())
                    .isZero();
            assertThat(Command.of("qemu-io", "-f", "raw", "-c", "write 0 4k", image.toString())
                            .end()
                            .exitCode())
                    .isNotZero();
        }
        Command.of("qemu-io", "-f", "raw", "-c", "write 0 4k", image.toString()).run();
    }
}

package dev.tenon.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.testing.Qemu;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QemuImgTest {
    @TempDir
    Path directory;

    @ParameterizedTest
    @CsvSource({"RAW, OFF", "RAW, FALLOC", "QCOW2, METADATA", "QCOW2, FULL", "VMDK,"})
    void createsAnImageOfTheSizeRoundedUpToKib(Format.Image format, @Nullable Preallocation preallocation) {
        Path file = directory.resolve("image." + format.word());

        QemuImg.create(file, format, ByteSize.ofBytes((1 << 20) + 1), Optional.ofNullable(preallocation));

        assertThat(Qemu.info(file, format.word()).virtualSize()).isEqualTo((1 << 20) + 1024);
    }

    @Test
    void tellsTheLastLineOfQemuImg() {
        Path file = directory.resolve("missing").resolve("image.raw");

        assertThatThrownBy(
                        () -> QemuImg.create(file, Format.Image.RAW, ByteSize.ofKib(1), Optional.of(Preallocation.OFF)))
                .hasMessage("unable to create image: qemu-img: " + file + ": Could not create '" + file
                        + "': No such file or directory");
    }

    private static String run(String... words) {
        return Command.of(words).run();
    }

    /** What a backup reads by then would lack what the rollback changed; QEMU refuses a rollback beside any bitmap. */
    @Test
    void bitmapsOfBackupsGoWithARollbackAndOthersKeepItFromHappening() {
        SnapshotName before = new SnapshotName("before");
        String image = directory.resolve("image.qcow2").toString();
        run("qemu-img", "create", "-q", "-f", "qcow2", image, "1M");
        QemuImg.takeSnapshot(Path.of(image), before);
        run("qemu-img", "bitmap", "--add", image, "snapshot-access:the vault");
        run("qemu-img", "bitmap", "--add", image, "snapshot-access:b");
        run("qemu-io", "-f", "qcow2", "-c", "write -P 7 0 64k", image);

        QemuImg.applySnapshot(Path.of(image), before);

        run("qemu-io", "-f", "qcow2", "-c", "read -P 0 0 64k", image);
        assertThat(run("qemu-img", "info", image)).doesNotContain("bitmaps");
        run("qemu-img", "bitmap", "--add", image, "of-somebody");
        assertThatThrownBy(() -> QemuImg.applySnapshot(Path.of(image), before))
                .hasMessageEndingWith("Device has active dirty bitmaps");
        assertThat(run("qemu-img", "info", image)).contains("name: of-somebody");
    }
}

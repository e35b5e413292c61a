package dev.tenon.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
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
}

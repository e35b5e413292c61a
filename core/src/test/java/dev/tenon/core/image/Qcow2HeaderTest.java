package dev.tenon.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.testing.Qemu;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Qcow2HeaderTest {
    private static final int FIRST_EXTENSION = 0x70;

    @TempDir
    Path directory;

    private Path image = Path.of("unset");

    @BeforeEach
    void makeImage() {
        Qemu.create(directory, "-f", "raw", "base.raw", "1M");
        Qemu.create(directory, "-f", "qcow2", "-b", "base.raw", "-F", "raw", "image.qcow2");
        image = directory.resolve("image.qcow2");
    }

    @Test
    void readsVersionThree() throws IOException {
        assertThat(Qcow2Header.read(image)).isEqualTo(new Qcow2Header(3, 1 << 20, "base.raw", "raw", null));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 4, 20, 71, 72, 103, 111, 0x74})
    void refusesATruncatedHeader(int length) throws IOException {
        truncate(length);

        assertThatThrownBy(() -> Qcow2Header.read(image))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(image.toString())
                .hasMessageEndingWith("Image is not in qcow2 format");
    }

    @ParameterizedTest
    @CsvSource({
        "4, 00000004, its version is 4",
        "4, ffffffff, its version is 4294967295",
        "20, 00000008, its cluster size is 2 to the power of 8",
        "20, 00000016, its cluster size is 2 to the power of 22",
        "20, ffffffff, its cluster size is 2 to the power of 4294967295",
        "100, 00000008, its header length is 8",
        "100, ffffffff, its header length is 4294967295",
        "72, 8000000000000000, it uses unknown features 0x8000000000000000",
        "72, 0000000000000020, it uses unknown features 0x20",
        "24, ffffffffffffffff, its virtual size is 18446744073709551615",
        "24, 7fffffffffffffff, its virtual size is 9223372036854775807",
        "8, 0000000000000001, its backing file name is at 1",
        "8, 7fffffffffffffff, its backing file name is at 9223372036854775807",
        "8, ffffffffffffff00, its backing file name is at 18446744073709551360",
        "16, 00000400, its backing file name has 1024 bytes",
        "16, 7fffffff, its backing file name has 2147483647 bytes",
        "16, ffffffff, its backing file name has 4294967295 bytes",
        "112, e2792aca00000010, its backing format has 16 bytes",
        "112, e2792acaffffffff, a header extension has 4294967295 bytes",
        "112, 4441544100000170, its data file name is not UTF-8",
        "112, 44415441000001a0, a header extension has 416 bytes",
        "528, 62617300, its backing file name contains a NUL",
        "528, ffffffff, its backing file name is not UTF-8"
    })
    void refusesAForgedField(int offset, String hex, String reason) throws IOException {
        Qemu.patch(image, offset, HexFormat.of().parseHex(hex));

        assertThatThrownBy(() -> Qcow2Header.read(image))
                .hasMessageContaining(reason)
                .hasMessageEndingWith("Image is not in qcow2 format");
    }

    @Test
    void refusesABackingFileNameBehindTheEndOfTheFile() throws IOException {
        truncate(0x210 + 4);

        assertThatThrownBy(() -> Qcow2Header.read(image)).hasMessageContaining("it is truncated");
    }

    @Test
    void refusesMoreExtensionsThanAnyImageHas() throws IOException {
        Qemu.patch(image, 8, new byte[8]);
        ByteBuffer extensions = ByteBuffer.allocate(8 * 300);
        for (int i = 0; i < 300; i++) {
            extensions.putInt(0x12345678).putInt(0);
        }
        Qemu.patch(image, FIRST_EXTENSION, extensions.array());

        assertThatThrownBy(() -> Qcow2Header.read(image)).hasMessageContaining("more than 256 header extensions");
    }

    @Test
    void findsADataFileNameBehindUnknownExtensions() throws IOException {
        Qemu.patch(image, 8, new byte[8]);
        byte[] name = "/etc/shadow".getBytes(StandardCharsets.UTF_8);
        ByteBuffer extensions = ByteBuffer.allocate(8 + 5000 + 8 + 16);
        extensions.putInt(0x12345678).putInt(5000).position(8 + 5000);
        extensions.putInt(0x44415441).putInt(name.length).put(name);
        Qemu.patch(image, FIRST_EXTENSION, extensions.array());

        assertThat(Qcow2Header.read(image).dataFile()).isEqualTo("/etc/shadow");
    }

    @Test
    void tellsAnExternalDataFileWithoutAName() throws IOException {
        Qemu.patch(image, 79, (byte) 4);

        assertThat(Qcow2Header.read(image).dataFile()).isEmpty();
    }

    @Test
    void cutsAnOddVirtualSizeAsQemuDoes() throws IOException {
        Qemu.patch(image, 24, ByteBuffer.allocate(8).putLong(1_000_000).array());

        assertThat(Qcow2Header.read(image).virtualSize())
                .isEqualTo(Qemu.info(image, "qcow2").virtualSize());
    }

    @Test
    void neverFailsInAnotherWayWhateverTheBytes() throws IOException {
        byte[] original = Files.readAllBytes(image);
        Random random = new Random(20240607);
        for (int round = 0; round < 3000; round++) {
            byte[] forged = original.clone();
            for (int i = 0; i < 1 + random.nextInt(6); i++) {
                forged[4 + random.nextInt(0x220)] = (byte) random.nextInt(256);
            }
            Files.write(image, Arrays.copyOf(forged, random.nextInt(1200)));
            try {
                Qcow2Header header = Qcow2Header.read(image);
                assertThat(header.virtualSize()).isNotNegative();
            } catch (IOException e) {
                assertThat(e).hasMessageEndingWith("Image is not in qcow2 format");
            }
        }
    }

    private void truncate(int length) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(length);
        }
    }
}

package dev.tenon.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.testing.Qemu;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageInfoTest {
    private static final int FIRST_EXTENSION = 0x70;

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 100, 511, 512, 513, 1025, 4096, 1_000_001, 1L << 32, (1L << 40) + 7})
    void agreesWithQemuImgOnSparseRawImages(long size) throws IOException {
        Path file = directory.resolve("image.raw");
        try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(size);
            if (size > 8192) {
                raw.seek(size / 2);
                raw.write(1);
            }
        }

        assertAgrees(file, Format.Image.RAW);
    }

    @Test
    void roundsARawSizeUpToASector() throws IOException {
        Path file = Files.write(directory.resolve("image.raw"), new byte[1025]);

        assertThat(ImageInfo.read(file, Format.Image.RAW).size().bytes()).isEqualTo(1536);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "compat=0.10 | 1000",
                "compat=0.10 | 64M",
                "compat=0.10,cluster_size=512 | 64M",
                "compat=1.1 | 64M",
                "compat=1.1 | 1025",
                "compat=1.1,lazy_refcounts=on | 1G",
                "cluster_size=2M | 8T",
                "cluster_size=512 | 1M",
                "extended_l2=on,cluster_size=128k | 64M",
                "extended_l2=on,cluster_size=128k,preallocation=metadata | 64M",
                "preallocation=metadata | 1G",
                "preallocation=falloc | 4M",
                "preallocation=full | 4M",
                "compression_type=zstd | 64M",
                "refcount_bits=1 | 64M"
            })
    void agreesWithQemuImgOnQcow2Images(String options, String size) throws IOException {
        Qemu.create(directory, "-f", "qcow2", "-o", options, "image.qcow2", size);

        assertAgrees(directory.resolve("image.qcow2"), Format.Image.QCOW2);
    }

    @ParameterizedTest
    @CsvSource({
        "compat=0.10, base.raw, raw",
        "compat=1.1, base.raw, raw",
        "compat=1.1, base.qcow2, qcow2",
        "'extended_l2=on,cluster_size=128k,preallocation=metadata', ../below/base.qcow2, qcow2",
        "cluster_size=512, base.raw, raw"
    })
    void agreesWithQemuImgOnQcow2ImagesWithABackingFile(String options, String backing, String format)
            throws IOException {
        Path images = Files.createDirectory(directory.resolve("images"));
        Path below = Files.createDirectory(directory.resolve("below"));
        for (Path place : List.of(images, below)) {
            Qemu.create(place, "-f", "raw", "base.raw", "3M");
            Qemu.create(place, "-f", "qcow2", "base.qcow2", "3M");
        }
        Qemu.create(images, "-f", "qcow2", "-o", options, "-b", backing, "-F", format, "image.qcow2");

        ImageInfo info = assertAgrees(images.resolve("image.qcow2"), Format.Image.QCOW2);

        assertThat(info.backingFile()).isEqualTo(backing);
        assertThat(info.backingFormat()).isEqualTo(format);
    }

    @Test
    void tellsThatAnImageDoesNotNameTheFormatOfItsBackingFile() throws IOException {
        Qemu.create(directory, "-f", "raw", "base.raw", "1M");
        Qemu.create(directory, "-f", "qcow2", "-b", "base.raw", "-F", "raw", "image.qcow2", "1M");
        Qemu.patch(directory.resolve("image.qcow2"), FIRST_EXTENSION, new byte[] {1, 2, 3, 4});

        ImageInfo info = assertAgrees(directory.resolve("image.qcow2"), Format.Image.QCOW2);

        assertThat(info.backingFile()).isEqualTo("base.raw");
        assertThat(info.backingFormat()).isNull();
    }

    @Test
    void tellsTheLongestBackingFileName() throws IOException {
        String name = "json:{\"driver\":\"raw\",\"file\":{\"filename\":\"" + "n".repeat(960) + "\"}}";
        Qemu.create(directory, "-f", "qcow2", "-u", "-F", "raw", "-b", name, "image.qcow2", "1M");

        ImageInfo info = ImageInfo.read(directory.resolve("image.qcow2"), Format.Image.QCOW2);

        assertThat(info.backingFile()).isEqualTo(name);
    }

    @Test
    void agreesWithQemuImgOnAnImageWithAnExternalDataFile() throws IOException {
        Path data = directory.resolve("data.raw");
        Qemu.create(directory, "-f", "qcow2", "-o", "data_file=" + data + ",data_file_raw=on", "image.qcow2", "1M");

        ImageInfo info = assertAgrees(directory.resolve("image.qcow2"), Format.Image.QCOW2);

        assertThat(info.dataFile()).isEqualTo(data.toString());
    }

    @Test
    void readsAnImageWhoseDataFileIsMissing() throws IOException {
        Path data = directory.resolve("data.raw");
        Qemu.create(directory, "-f", "qcow2", "-o", "data_file=" + data, "image.qcow2", "1M");
        Files.delete(data);

        assertThat(ImageInfo.read(directory.resolve("image.qcow2"), Format.Image.QCOW2)
                        .dataFile())
                .isEqualTo(data.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"monolithicSparse", "streamOptimized"})
    void agreesWithQemuImgOnVmdkImages(String layout) throws IOException {
        Qemu.create(directory, "-f", "raw", "source.raw", "3M");
        Qemu.run(
                directory,
                List.of(
                        "qemu-img",
                        "convert",
                        "-f",
                        "raw",
                        "-O",
                        "vmdk",
                        "-o",
                        "subformat=" + layout,
                        "source.raw",
                        "image.vmdk"));

        assertAgrees(directory.resolve("image.vmdk"), Format.Image.VMDK);
    }

    @Test
    void agreesWithQemuImgOnAVmdkImageWithAParent() throws IOException {
        Qemu.create(directory, "-f", "vmdk", "base.vmdk", "3M");
        Qemu.create(directory, "-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", "image.vmdk");

        ImageInfo info = assertAgrees(directory.resolve("image.vmdk"), Format.Image.VMDK);

        assertThat(info.backingFile()).isEqualTo("base.vmdk");
    }

    @Test
    void tellsThatAVmdkDescriptorKeepsItsDataElsewhere() throws IOException {
        Qemu.create(directory, "-f", "vmdk", "-o", "subformat=monolithicFlat", "image.vmdk", "3M");

        ImageInfo info = ImageInfo.read(directory.resolve("image.vmdk"), Format.Image.VMDK);

        assertThat(info.size().bytes()).isEqualTo(3L << 20);
        assertThat(info.dataFile()).isEqualTo("image-flat.vmdk");
    }

    @ParameterizedTest
    @CsvSource({"QCOW2, ''", "QCOW2, garbage", "QCOW2, QFI", "VMDK, garbage", "VMDK, KDMV"})
    void callsAFileOfAnotherFormatInvalidWithItsRawSize(Format.Image format, String content) throws IOException {
        Path file = Files.writeString(directory.resolve("image"), content);

        ImageInfo info = ImageInfo.read(file, format);

        assertThat(info.format()).isEqualTo(ImageInfo.INVALID);
        assertThat(info.size().bytes()).isEqualTo(content.isEmpty() ? 0 : 512);
        assertThat(info.defect()).isEqualTo("it does not begin like one");
    }

    @Test
    void neverReadsAHeaderOutOfARawImage() throws IOException {
        Qemu.create(directory, "-f", "qcow2", "-u", "-F", "raw", "-b", "/etc/hostname", "image.qcow2", "1M");
        Path raw = Files.move(directory.resolve("image.qcow2"), directory.resolve("image.raw"));

        ImageInfo info = ImageInfo.read(raw, Format.Image.RAW);

        assertThat(info.backingFile()).isNull();
        assertThat(info.size().bytes()).isBetween(Files.size(raw), Files.size(raw) + 511);
        assertThat(ImageInfo.mayNameOtherFiles(raw)).isTrue();
    }

    @Test
    void readsADirectoryAsASubvolumeWithoutASize() throws IOException {
        ImageInfo info = ImageInfo.read(directory, Format.Image.SUBVOL);

        assertThat(info.format()).isEqualTo(Format.Image.SUBVOL);
        assertThat(info.size().bytes()).isZero();
        assertThat(info.used().bytes()).isZero();
    }

    @Test
    void refusesADirectoryWhereAnImageIsExpectedAndTheOtherWayRound() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));

        assertThatThrownBy(() -> ImageInfo.read(directory, Format.Image.RAW))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("expected format 'raw' but it is a directory");
        assertThatThrownBy(() -> ImageInfo.read(file, Format.Image.SUBVOL)).isInstanceOf(NotDirectoryException.class);
    }

    @Test
    @Timeout(10)
    void doesNotWaitForAPipeToBeWritten() {
        Qemu.run(directory, List.of("mkfifo", "image.qcow2"));

        assertThatThrownBy(() -> ImageInfo.read(directory.resolve("image.qcow2"), Format.Image.QCOW2))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("neither a regular file nor a block device");
    }

    @Test
    void tellsAMissingImage() {
        assertThatThrownBy(() -> ImageInfo.read(directory.resolve("missing.raw"), Format.Image.RAW))
                .isInstanceOf(NoSuchFileException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"QFI\u00fb", "QED\0", "KDMV", "COWD", "# Disk DescriptorFile\nversion=1"})
    void recognizesEveryFormatThatCanNameOtherFiles(String beginning) throws IOException {
        Path file =
                Files.write(directory.resolve("image.raw"), (beginning + "....").getBytes(StandardCharsets.ISO_8859_1));

        assertThat(ImageInfo.mayNameOtherFiles(file)).isTrue();
    }

    /** QEMU takes any text that tells a type for a descriptor, if it is told that it is one. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "\n",
                "\n\n   \n\t\n",
                "  \r\n\r\n",
                "# made by hand\n",
                "# Disk DescriptorFile\n",
                "\n\n# Disk DescriptorFile\n",
                "\r\n   # Disk DescriptorFile\r\n\r\n",
                "# first\n\n# Disk DescriptorFile\n# second\n",
                "encoding=\"UTF-8\"\n"
            })
    void agreesWithQemuImgOnAVmdkDescriptorWhateverIsBeforeIt(String before) throws IOException {
        Files.write(directory.resolve("disk-flat.vmdk"), new byte[3 << 20]);
        Path file = Files.writeString(directory.resolve("image.vmdk"), before + """
                version=1
                CID=12345678
                parentCID=ffffffff
                createType="monolithicFlat"
                RW 6144 FLAT "disk-flat.vmdk" 0
                """);

        ImageInfo info = ImageInfo.read(file, Format.Image.VMDK);

        assertThat(info.defect()).isNull();
        assertThat(info.size().bytes()).isEqualTo(Qemu.info(file, "vmdk").virtualSize());
        assertThat(info.dataFile()).isEqualTo("disk-flat.vmdk");
        String guess = Qemu.run(directory, List.of("qemu-img", "info", "image.vmdk"));
        assertThat(ImageInfo.mayNameOtherFiles(file) || guess.contains("file format: raw"))
                .as("whatever QEMU guesses is known")
                .isTrue();
        assertThat(UnknownImage.virtualSize(file).bytes())
                .isEqualTo(ImageInfo.mayNameOtherFiles(file) ? 3L << 20 : 512L);
    }

    @ParameterizedTest
    @CsvSource({
        "raw, ''",
        "qcow2, compat=0.10",
        "qcow2, compat=1.1",
        "qcow, ''",
        "qed, ''",
        "vmdk, subformat=monolithicSparse",
        "vmdk, subformat=streamOptimized",
        "vmdk, subformat=monolithicFlat",
        "vmdk, subformat=twoGbMaxExtentSparse",
        "vdi, ''",
        "vdi, static=on",
        "vpc, subformat=dynamic",
        "vpc, subformat=fixed",
        "'vpc', 'subformat=dynamic,force_size=on'",
        "vhdx, ''",
        "vhdx, subformat=fixed",
        "parallels, ''"
    })
    void tellsTheSizeOfAnImageByWhatItHoldsWhateverItIsCalled(String format, String options) throws IOException {
        Qemu.create(directory, "-f", "raw", "source.raw", "5M");
        for (String name : List.of("disk.img", "disk.raw", "disk", "DISK.QCOW2", "disk.vmdk", "U.VMDK", "disk.vhd")) {
            List<String> command = new ArrayList<>(List.of("qemu-img", "convert", "-f", "raw", "-O", format));
            if (!options.isEmpty()) {
                command.addAll(List.of("-o", options));
            }
            command.addAll(List.of("source.raw", name));
            Qemu.run(directory, command);

            Matcher size = Pattern.compile("(?m)^virtual size: .*\\((\\d+) bytes\\)")
                    .matcher(Qemu.run(directory, List.of("qemu-img", "info", name)));

            assertThat(size.find()).isTrue();
            assertThat(UnknownImage.virtualSize(directory.resolve(name)).bytes())
                    .as(name)
                    .isEqualTo(Long.parseLong(size.group(1)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"QFI\u00fb\0\0\0\3", "KDMV\1\0\0\0", "QED\0...."})
    void tellsNoSizeOfAnImageThatBreaksOff(String beginning) throws IOException {
        Path file = Files.write(directory.resolve("image"), beginning.getBytes(StandardCharsets.ISO_8859_1));

        assertThatThrownBy(() -> UnknownImage.virtualSize(file))
                .isInstanceOfAny(FileSystemException.class, StorageException.class)
                .hasMessageContaining(file.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "QFI", "# Disk", "a boot sector"})
    void takesAnythingElseForRawData(String beginning) throws IOException {
        Path file = Files.writeString(directory.resolve("image.raw"), beginning);

        assertThat(ImageInfo.mayNameOtherFiles(file)).isFalse();
    }

    private static ImageInfo assertAgrees(Path file, Format.Image format) throws IOException {
        Qemu.Info expected = Qemu.info(file, format.word());
        ImageInfo info = ImageInfo.read(file, format);
        assertThat(info.defect()).isNull();
        assertThat(info.size().bytes()).isEqualTo(expected.virtualSize());
        assertThat(info.used().bytes()).isEqualTo(expected.actualSize());
        assertThat(info.format().word()).isEqualTo(expected.format());
        assertThat(info.backingFile()).isEqualTo(expected.backingFile());
        assertThat(info.backingFormat()).isEqualTo(expected.backingFormat());
        assertThat(info.dataFile()).isEqualTo(expected.dataFile());
        return info;
    }
}

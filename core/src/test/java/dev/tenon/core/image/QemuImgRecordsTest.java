package dev.tenon.core.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.image.QemuImg.Extent;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Records;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What qemu-img says on each Debian release means the same; {@code releases/record.sh} recorded it. */
class QemuImgRecordsTest {
    private static final Path DIRECTORY = Path.of("/srv");

    @ParameterizedTest
    @ValueSource(strings = {"bookworm", "trixie"})
    void theSizeIsThatOfTheImageAndNotOfItsFile(String release) {
        assertThat(QemuImg.virtualSizeIn(Records.text(release, "qcow2.info"))).contains(ByteSize.ofBytes(8 << 20));
        assertThat(QemuImg.virtualSizeIn(Records.text(release, "flat.info"))).contains(ByteSize.ofBytes(8 << 20));
    }

    /** The newer one tells of the file below the image, too, and does so first. */
    @ParameterizedTest
    @ValueSource(strings = {"bookworm", "trixie"})
    void whatTestsCompareWithIsToldOfTheImageItself(String release) {
        Qemu.Info qcow2 = Qemu.parse(Records.text(release, "qcow2.json"));
        Qemu.Info flat = Qemu.parse(Records.text(release, "flat.json"));

        assertThat(qcow2.virtualSize()).isEqualTo(8 << 20);
        assertThat(qcow2.format()).isEqualTo("qcow2");
        assertThat(flat.virtualSize()).isEqualTo(8 << 20);
        assertThat(flat.format()).isEqualTo("vmdk");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bookworm", "trixie"})
    void theExtentsAreWhereTheDataIs(String release) {
        assertThat(QemuImg.extentsIn(Records.text(release, "qcow2.map"), DIRECTORY))
                .containsExactly(new Extent(0x10000, 0x20000, 0x50000, DIRECTORY.resolve("image.qcow2")));
        assertThat(QemuImg.extentsIn(Records.text(release, "compressed.map"), DIRECTORY))
                .isEmpty();
        assertThat(Records.text(release, "compressed.map.errors")).contains(QemuImg.UNMAPPED);
    }
}

package dev.tenon.core.storage.block.lvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.StorageError;
import dev.tenon.core.testing.Records;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What LVM says on each Debian release means the same; {@code releases/record.sh} recorded it. */
class LvmRecordsTest {
    private static StorageError error(String release, String name) {
        assertThat(Records.text(release, name + ".status")).isEqualTo("5\n");
        return Lvm.errorOf(Records.text(release, name + ".errors").lines().toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"bookworm", "trixie"})
    void aVolumeIsToldInTheSameWay(String release) {
        LogicalVolume volume = Report.volumes(Records.text(release, "lvs.json")).getFirst();

        assertThat(volume.name()).isEqualTo("vm-100-disk-0");
        assertThat(volume.size()).isEqualTo(8 << 20);
        assertThat(volume.isThick() && volume.isTagged()).isTrue();
        assertThat(volume.tags()).containsExactly("pve-vm-100");
    }

    /** Without Tenon's setting nothing would be on standard error of the newer one. */
    @Test
    void onlyOneReleasePutsErrorsIntoTheReport() {
        assertThat(Records.text("bookworm", "lvs.missing")).doesNotContain("\"log\"");
        assertThat(Records.text("bookworm", "lvs.missing.errors")).contains("Cannot process volume group missing");
        assertThat(Records.text("trixie", "lvs.missing"))
                .contains("\"log\"")
                .contains("Cannot process volume group missing");
        assertThat(Report.volumes(Records.text("trixie", "lvs.missing"))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"bookworm", "trixie"})
    void errorsAreOnStandardErrorAsTenonAsks(String release) {
        assertThat(Records.text(release, "lvs.missing.set")).doesNotContain("\"log\"");
        assertThat(error(release, "lvs.missing.set")).isEqualTo(StorageError.STORAGE_UNAVAILABLE);
    }

    @Test
    void theRecordsWereMadeWithTenonsSetting() throws IOException {
        assertThat(Files.readString(Path.of("src/test/resources/releases/record.sh")))
                .contains("settings='" + Lvm.CONFIG + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bookworm", "trixie"})
    void aVolumeThatIsGoneIsNotFound(String release) {
        assertThat(error(release, "lvremove.missing")).isEqualTo(StorageError.NOT_FOUND);
    }

    /** So it is looked at before, and not asked for. */
    @ParameterizedTest
    @ValueSource(strings = {"bookworm", "trixie"})
    void aVolumeThatHasTheSizeAlreadyFailsInOtherWords(String release) {
        assertThat(error(release, "lvextend.same")).isEqualTo(StorageError.COMMAND_FAILED);
        assertThat(Records.text(release, "lvextend.same.errors").contains("matches existing size"))
                .isEqualTo(release.equals("bookworm"));
    }
}

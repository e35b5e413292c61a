package dev.tenon.core.spi.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArchiveNameTest {
    @Test
    void isTheVolumeThatItBecomes() {
        assertThat(new ArchiveName("100/qemu-1").volume()).isEqualTo(new VolumeName("backup/100/qemu-1"));
        assertThat(ArchiveName.of(new VolumeName("backup/100/qemu-1"))).isEqualTo(new ArchiveName("100/qemu-1"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "..",
                "../100/qemu-1",
                "100/../../etc/passwd",
                "100/..",
                "",
                "a b",
                "a\nb",
                "a\0b",
                "caf\u00e9",
                "$(x)"
            })
    void aNameThatLeadsElsewhereOrThatPveDoesNotTakeIsRefused(String name) {
        assertThatThrownBy(() -> new ArchiveName(name))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.INVALID_NAME));
    }

    @Test
    void aVolumeThatIsNoBackupIsRefused() {
        assertThatThrownBy(() -> ArchiveName.of(new VolumeName("100/vm-100-disk-0.raw")))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining("100/vm-100-disk-0.raw");
    }
}

package dev.tenon.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.testing.Storages;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PreallocationTest {
    private static final Path ANYWHERE = Path.of("/srv");

    @ParameterizedTest
    @CsvSource({
        ", QCOW2, METADATA",
        ", RAW, OFF",
        ", VMDK,",
        ", SUBVOL,",
        "off, QCOW2, OFF",
        "metadata, RAW, OFF",
        "metadata, QCOW2, METADATA",
        "falloc, RAW, FALLOC",
        "falloc, QCOW2, FALLOC",
        "full, RAW, FULL",
        "full, VMDK,"
    })
    void isWhatTheStorageSaysAsFarAsTheFormatKnowsIt(
            @Nullable String property, Format.Image format, @Nullable Preallocation expected) {
        Storage storage = property == null ? Storages.at(ANYWHERE) : Storages.at(ANYWHERE, "preallocation", property);

        assertThat(Preallocation.of(storage, format)).isEqualTo(Optional.ofNullable(expected));
    }

    @Test
    void refusesAnUnknownMode() {
        assertThatThrownBy(() -> Preallocation.of(Storages.at(ANYWHERE, "preallocation", "lots"), Format.Image.RAW))
                .hasMessageContaining("'lots'");
    }
}

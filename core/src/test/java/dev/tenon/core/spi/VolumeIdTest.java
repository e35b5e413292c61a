package dev.tenon.core.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The names of volumes are checked one by one in long lists, so by hand; what they may be has not changed. */
class VolumeIdTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "nas:100/vm-100-disk-0.qcow2",
                "a-b_c.9:x",
                "nas:a:b",
                "nas:a//b",
                "nas:ä",
                "nas:a/",
                "nas:a b",
                "N0:..a",
                "nas:a/.hidden"
            })
    void isTakenAndWrittenAsItCame(String text) {
        assertThat(VolumeId.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":",
                "nas",
                "nas:",
                ":a",
                "n:a",
                "9s:a",
                "na-:a",
                "-na:a",
                "n s:a",
                "ä1:a",
                "nas:/a",
                "nas:..",
                "nas:a/..",
                "nas:-a",
                "nas:a/-b",
                "nas:a\nb",
                "nas:a\u0085",
                "nas:a\u007f",
                "nas:./a"
            })
    void isRefusedOtherwise(String text) {
        assertThatExceptionOfType(StorageException.class)
                .isThrownBy(() -> VolumeId.parse(text))
                .matches(e -> e.error() == StorageError.INVALID_NAME);
    }

    @ParameterizedTest
    @ValueSource(ints = {255, 256, 1024, 1025})
    void isAsLongAsAFileSystemTakes(int length) {
        String part = "a".repeat(length);

        assertThat(isGood("nas:" + part)).isEqualTo(length <= 255);
        assertThat(isGood("nas:" + "b/".repeat(length / 2))).isEqualTo(length / 2 * 2 <= 1024);
    }

    private static boolean isGood(String text) {
        try {
            return VolumeId.parse(text).volume().value().length() == text.length() - "nas:".length();
        } catch (StorageException e) {
            return false;
        }
    }
}

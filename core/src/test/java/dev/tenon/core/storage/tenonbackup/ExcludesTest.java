package dev.tenon.core.storage.tenonbackup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.StorageException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExcludesTest {
    @ParameterizedTest
    @CsvSource({
        "/tmp/?*, tmp/x, true",
        "/tmp/?*, tmp, false",
        "/tmp/?*, var/tmp/x, false",
        "/var/run/?*.pid, var/run/a.pid, true",
        "/var/run/?*.pid, var/run/.pid, false",
        "/var/run/?*.pid, var/run/a/b.pid, false",
        "/var/**.pid, var/run/a/b.pid, true",
        "*.log, a/b/c.log, true",
        "*.log, c.log, true",
        "*.log, c.log.1, false",
        "cache/, home/cache, true",
        "cache, home/mycache, false",
        "/[a-c]x, bx, true",
        "/[!a-c]x, bx, false",
        "/[!a-c]x, dx, true",
        "/a\\*b, a*b, true",
        "/a\\*b, axb, false",
        "/a.b, axb, false",
        "/[x, [x, true"
    })
    void patternsAreThoseOfShells(String pattern, String path, boolean isOut) {
        assertThat(new Excludes(List.of(pattern)).has(path)).isEqualTo(isOut);
    }

    @Test
    void namesAreBytes() {
        Excludes excludes = new Excludes(List.of("/\u00e4?"));

        assertThat(excludes.has("\u00c3\u00a4x")).isTrue();
        assertThat(excludes.has("\u00e4x")).isFalse();
    }

    @Test
    void aSetThatIsNoneIsRefused() {
        assertThatThrownBy(() -> new Excludes(List.of("/[z-a]")))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining("'/[z-a]' is no valid exclude pattern");
    }
}

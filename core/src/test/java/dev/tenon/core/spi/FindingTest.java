package dev.tenon.core.spi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FindingTest {
    @Test
    void theWordsOfTheKindsAreThoseOfTheFirstBuild() {
        assertThat(Finding.Kind.values())
                .extracting(Finding.Kind::word)
                .contains(
                        "unfinished",
                        "second-name",
                        "image-missing",
                        "snapshot-left",
                        "snapshot-spoilt",
                        "base-writable",
                        "directory-empty",
                        "image-unreadable",
                        "backing-missing",
                        "space-leaked",
                        "image-corrupt",
                        "in-use",
                        "side-file-left",
                        "interrupted");
    }
}

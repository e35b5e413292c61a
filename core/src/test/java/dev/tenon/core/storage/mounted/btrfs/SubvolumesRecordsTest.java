package dev.tenon.core.storage.mounted.btrfs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.testing.Records;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What btrfs says on each Debian release means the same; {@code releases/record.sh} recorded it. */
class SubvolumesRecordsTest {
    @ParameterizedTest
    @ValueSource(strings = {"bookworm", "trixie"})
    void subvolumesAreListedByTheirPaths(String release) {
        assertThat(Subvolumes.pathsIn(Records.text(release, "subvolume.list"))).containsExactly("outer/inner");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bookworm", "trixie"})
    void aSubvolumeIsShownWithItsPathFirst(String release) {
        assertThat(Subvolumes.nameIn(Records.text(release, "subvolume.show"))).isEqualTo("outer");
    }
}

package dev.tenon.core.storage.mounted;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.testing.Records;
import org.junit.jupiter.api.Test;

/** What mount did on each Debian release with what was mounted there already; {@code releases/record.sh} recorded it. */
class MountRecordsTest {
    @Test
    void aSecondMountIsRefusedOnOneReleaseAndStackedOnTheOther() {
        assertThat(Records.text("bookworm", "mount.twice.status").strip()).isEqualTo("32");
        assertThat(Records.text("bookworm", "mount.count").strip()).isEqualTo("1");
        assertThat(Records.text("trixie", "mount.count").strip()).isEqualTo("2");
    }
}

package dev.tenon.core.backup.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Names of what a backup adds to a QEMU. */
class LiveNamesTest {
    /** Numbers of processes have letters, too. */
    @Test
    void whatANameIsOfIsNotTakenForAnother() {
        LiveNames names = new LiveNames("fl1-sa2", 3);
        assertThat(LiveNames.part(names.filter())).contains("cbw");
        assertThat(LiveNames.part(names.snapshot())).contains("sa");
        assertThat(LiveNames.part(names.fleecing())).contains("fl");
        assertThat(LiveNames.part(names.whole())).contains("wb");
        assertThat(LiveNames.of(names.export())).contains(names);
        assertThat(LiveNames.part("drive-scsi0")).isEmpty();
    }
}

package dev.tenon.core.storage.dir;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MountTableTest {
    @Test
    void decodesOctalEscapes() {
        MountTable table = MountTable.parse("""
                /dev/sda1 / ext4 rw 0 0
                /dev/sdb1 /mnt/with\\040blank\\011tab\\134slash\\012line\\043hash ext4 rw 0 0
                """);

        assertThat(table.mountPoints()).containsExactlyInAnyOrder("/", "/mnt/with blank\ttab\\slash\nline#hash");
    }

    @Test
    void leavesWhatIsNoEscapeAlone() {
        assertThat(MountTable.parse("x /a\\ y\nx /b\\04 y\nx /c\\089 y\nx /d\\777 y\nshort\n\n")
                        .mountPoints())
                .containsExactlyInAnyOrder("/a\\", "/b\\04", "/c\\089", "/d\\777");
    }
}

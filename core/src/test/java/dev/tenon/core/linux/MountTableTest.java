package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the kernel says of mounts. */
class MountTableTest {
    private static final String TABLE = """
        22 1 0:21 / / rw - ext4 /dev/sda1 rw
        23 22 0:22 / /mnt/b\u00e4d rw - tmpfs tmpfs rw
        24 22 0:23 / /srv/with\\040blank rw - tmpfs tmpfs rw
        25 24 0:24 /sub /srv/with\\040blank/in rw - tmpfs tmpfs rw
        26 22 0:25 / /mnt/a\rb rw - tmpfs tmpfs rw
        """;

    /** Names of places are bytes: one that somebody else has mounted may be no UTF-8. */
    @Test
    void aNameThatIsNoTextHidesNoOther() {
        List<String> lines = MountTable.lines(TABLE.getBytes(StandardCharsets.ISO_8859_1));
        assertThat(lines).hasSize(5);
        assertThat(MountTable.below(Path.of("/srv"), lines))
                .containsExactly(Path.of("/srv/with blank"), Path.of("/srv/with blank/in"));
    }

    @Test
    void theKernelSaysWhatIsMounted() throws IOException {
        assertThat(MountTable.below(Path.of("/"))).contains(Path.of("/proc"));
    }
}

package dev.tenon.core.storage.mounted;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MountTableTest {
    @Test
    void decodesOctalEscapes() {
        MountTable table = MountTable.parse("""
                /dev/sda1 / ext4 rw 0 0
                /dev/sdb1 /mnt/with\\040blank\\011tab\\134slash\\012line\\043hash ext4 rw 0 0
                """);

        assertThat(table.mounts())
                .extracting(Mount::mountPoint)
                .containsExactly("/", "/mnt/with blank\ttab\\slash\nline#hash");
    }

    @Test
    void leavesWhatIsNoEscapeAlone() {
        assertThat(MountTable.parse("x /a\\ y\nx /b\\04 y\nx /c\\089 y\nx /d\\777 y\nshort\n\n")
                        .mounts())
                .extracting(Mount::mountPoint)
                .containsExactly("/a\\", "/b\\04", "/c\\089", "/d\\777");
    }

    @Test
    void tellsWhatIsMountedOnADirectoryBehindALink(@TempDir Path scratch) throws IOException {
        Path real = Files.createDirectories(scratch.toRealPath().resolve("real"));
        Path link = Files.createSymbolicLink(scratch.resolve("link"), real);
        MountTable table = MountTable.parse("nas:/a\\040b " + real.resolve("store") + " nfs4 rw 0 0\n");

        assertThat(table.on(link.resolve("store")))
                .containsExactly(new Mount("nas:/a b", real.resolve("store").toString(), "nfs4"));
        assertThat(table.on(real.resolve("store"))).hasSize(1);
        assertThat(table.on(real)).isEmpty();
    }

    @Test
    void knowsASourceWithASlashAtItsEnd() {
        assertThat(new Mount("nas:/export/", "/mnt", "nfs").isOf("nas:/export")).isTrue();
        assertThat(new Mount("nas:/export", "/mnt", "nfs").isOf("nas:/export/")).isTrue();
        assertThat(new Mount("nas:/export", "/mnt", "nfs").isOf("nas:/exports")).isFalse();
        assertThat(new Mount("nas:/", "/mnt", "nfs").isOf("nas:/")).isTrue();
    }
}

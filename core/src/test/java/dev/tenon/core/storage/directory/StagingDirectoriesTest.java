package dev.tenon.core.storage.directory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.linux.ProcessIdentity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StagingDirectoriesTest {
    @TempDir
    Path parent;

    @Test
    void staysThoseOfAnotherNodeAsLongAsItFillsThem() throws IOException {
        ProcessIdentity other = new ProcessIdentity("another", "00000000", 1, 1);
        Path staging = Files.createDirectory(parent.resolve(".tenon-" + other + "-0123456789abcdef"));
        Files.setLastModifiedTime(staging, FileTime.from(Instant.now().minus(Duration.ofDays(3))));
        assertThat(StagingDirectories.abandonedIn(parent)).containsExactly(staging);

        StagingDirectories.keeping(
                staging,
                Duration.ofMillis(10),
                () -> await().until(() -> StagingDirectories.abandonedIn(parent).isEmpty()));
    }
}

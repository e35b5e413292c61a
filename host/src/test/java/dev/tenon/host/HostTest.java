package dev.tenon.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.lock.Locks;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void theDataCentresLimitIsReadWhateverIsBesideIt() throws IOException {
        Files.writeString(
                directory.resolve("datacenter.cfg"),
                "description: f\u00fcr alle\nbwlimit: default=100,move=50\n",
                StandardCharsets.ISO_8859_1);
        HostSettings settings = new HostSettings(
                directory.resolve("storage.cfg"),
                List.of(),
                List.of(),
                directory.resolve("adopted"),
                null,
                directory.resolve("journal"),
                new PluginHosting(null, false, 1),
                new Locks(directory.resolve("lock"), directory));
        try (Host host = Host.ofReadingCommand(settings)) {
            assertThat(host.datacenterBandwidth()).isEqualTo("default=100,move=50");
        }
    }
}

package dev.tenon.core.backup.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The log of a backup, where nothing can be written. */
class RunLogTest {
    @Test
    void aFullDiskIsAWarningAndFailsNothing() throws IOException {
        List<String> said = new ArrayList<>();
        try (RunLog log = RunLog.open(Path.of("/dev/full"), (level, line) -> said.add(level + " " + line))) {
            log.info("it begins");
            log.endFile();
        }
        assertThat(said)
                .startsWith("INFO it begins")
                .element(1)
                .asString()
                .startsWith("WARN the log of the backup cannot be written: No space left");
    }
}

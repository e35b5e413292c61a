package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.Installation;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which commands get the better compiler of the JVM. */
class JvmOptionsTest {
    private static final String LESSER = "-XX:TieredStopAtLevel=1";

    private static List<String> options(String command) {
        return Installation.shell(List.of("jvm_options_of " + command));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "serve",
                "export nas:100/vm-100-disk-0.raw --checksum file",
                "backup create --storage vault --vmid 100 --disk vm.raw --guest-config vm.conf",
                "backup restore vault:backup/vm/100/2026-01-02T03:04:05Z /srv/restored",
                "backup verify vault"
            })
    void isForWhatHashesAllThatItReads(String command) {
        assertThat(options(command)).isNotEmpty().doesNotContain(LESSER);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "backup list vault",
                "volume list nas",
                "backup create-not",
                "export nas:100/vm-100-disk-0.raw file"
            })
    void isNotForWhatEndsSoon(String command) {
        assertThat(options(command)).contains(LESSER);
    }
}

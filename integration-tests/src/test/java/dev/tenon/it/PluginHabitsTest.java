package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What plugins do to the process they run in. */
class PluginHabitsTest {
    private static final int LINES = 16384;
    private static final String CALL = "call=\"volume_size_info of storage 'nas', volume 'print-much'\"";

    private SidecarHost host;
    private PerlStoragePlugin plugin;
    private Storage storage;
    private Path go;

    @BeforeEach
    void start(Scratch scratch) {
        host = SidecarHost.start(scratch, Installation.plugin("TorturePlugin.pm"));
        plugin = host.plugin();
        go = scratch.file("go");
        storage =
                host.storage("go", go.toString(), "ready", scratch.file("ready").toString());
    }

    private SizeInfo call(String habit) {
        return plugin.volumeSizeInfo(storage, new VolumeName(habit), null);
    }

    @Test
    void aMebibyteOnBothOutputsIsLoggedWithItsCallAndTheAnswerIsRight() {
        assertThat(call("print-much")).isEqualTo(call("plain"));
        await("all output is logged")
                .atMost(Duration.ofSeconds(20))
                .until(() -> host.log().stream().anyMatch(line -> line.endsWith(" the end of stdout"))
                        && host.log().stream().anyMatch(line -> line.endsWith(" the end of stderr")));
        String line = "x".repeat(63);
        for (String stream : new String[] {"stdout", "stderr"}) {
            String head = "INFO plugin=TorturePlugin.pm stream=" + stream + " " + CALL + " ";
            assertThat(host.log().stream().filter((head + line)::equals).count())
                    .as("lines of " + stream)
                    .isEqualTo(LINES);
            assertThat(host.log().contains(head + "the end of " + stream)).isTrue();
        }
        assertThat(call("plain")).isNotNull();
    }

    @Test
    void aMebibyteWithoutANewlineDoesNotDisturbTheAnswer() {
        assertThat(call("print-line")).isEqualTo(call("plain"));
        String line = "INFO plugin=TorturePlugin.pm stream=stdout call=\"volume_size_info of storage 'nas', volume"
                + " 'print-line'\" " + "y".repeat(1 << 20);
        assertThat(host.log().contains(line)).isTrue();
    }

    @Test
    void aCallThatIsTooLongToBeSentDoesNotStartAndThePluginsWordsStayWithTheirCalls() {
        String megabytes = "z".repeat(4 << 20);
        Storage huge = host.storage("a", megabytes, "b", megabytes, "c", megabytes, "d", megabytes);
        assertThatThrownBy(() -> plugin.volumeSizeInfo(huge, new VolumeName("plain"), null))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED))
                .hasMessageContaining("is longer than the limit of 16777215 bytes");
        call("say");
        call("plain");
        await("the words are logged")
                .atMost(Duration.ofSeconds(20))
                .until(() -> host.log().stream().anyMatch(line -> line.endsWith("a word of its own")));
        assertThat(host.log())
                .contains("INFO plugin=TorturePlugin.pm stream=stdout call=\"volume_size_info of storage 'nas', volume"
                        + " 'say'\" a word of its own");
    }

    @Test
    void aProcessThatThePluginLeavesBehindPrintsLaterInTheBackground() throws Exception {
        long pid = host.process().pid();
        assertThat(call("linger")).isEqualTo(call("plain"));
        Files.createFile(go);
        await("its words are logged")
                .atMost(Duration.ofSeconds(20))
                .until(() -> host.log().stream().anyMatch(line -> line.contains("late words of")));
        assertThat(host.log())
                .filteredOn(line -> line.contains("late words of"))
                .singleElement()
                .asString()
                .startsWith("INFO plugin=TorturePlugin.pm stream=stdout call=\"background\" late words of ");
        assertThat(host.process().pid()).isEqualTo(pid);
    }

    @Test
    void whatACallLeavesBentIsStraightInTheNext() {
        assertThat(call("straight").parent()).isEqualTo("bent:");
        SizeInfo plain = call("plain");
        assertThat(call("bend")).isEqualTo(plain);
        assertThat(call("straight").parent()).isEqualTo("bent:");
        assertThat(call("plain")).isEqualTo(plain);
    }

    @Test
    void anAlarmThatACallLeftBehindDoesNotGoOffInTheNext() throws Exception {
        long pid = host.process().pid();
        call("bend");
        // Longer than the alarm; the time is the plugin's own clock.
        assertThat(call("outlast").format().word()).isEqualTo("raw");
        assertThat(Objects.requireNonNull(host.process()).pid()).isEqualTo(pid);
    }
}

package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.tenon.bridge.perl.SidecarSettings;
import dev.tenon.bridge.perl.SidecarSettings.Limit;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A file that is no plugin is refused when it is started, with one line that says what Perl has against it. */
class BadPluginFilesTest {
    private static final String PACKAGE = "PVE::Storage::Custom::BadPlugin";
    private static final String HEAD = "package " + PACKAGE + ";\nuse base qw(PVE::Storage::Plugin);\n";
    private static final String API = "sub api { return 15 }\n";
    private static final String TYPE = "sub type { return 'bad' }\n";
    private static final String END = "1;\n";

    /** What is wrong, the text of the file, and what is said, with FILE for the file. */
    static Stream<Arguments> files() {
        String plugin = "the plugin " + PACKAGE;
        String method = " method of " + plugin;
        return Stream.of(
                Arguments.of(
                        "does not compile",
                        HEAD + API + "sub type { return 'bad'\n",
                        "the plugin file 'FILE' does not compile: Missing right curly or square bracket at FILE line 4,"
                                + " at end of line; syntax error at FILE line 4, at EOF"),
                Arguments.of(
                        "uses a module that is missing",
                        HEAD + "use Tenon::No::Such::Module;\n" + API + TYPE + END,
                        "the plugin file 'FILE' does not compile: Can't locate Tenon/No/Such/Module.pm in @INC (you may"
                                + " need to install the Tenon::No::Such::Module module) at FILE line 3."),
                Arguments.of(
                        "dies in several lines while it is compiled",
                        HEAD + "die \"no licence\\n\\n  ask the vendor\\n\";\n" + API + TYPE + END,
                        "the plugin file 'FILE' does not compile: no licence; ask the vendor"),
                Arguments.of(
                        "returns false",
                        HEAD + API + TYPE + "0;\n",
                        "the plugin file 'FILE' does not compile: FILE did not return a true value"),
                Arguments.of("lacks api", HEAD + TYPE + END, plugin + " does not provide an api() method"),
                Arguments.of(
                        "is not derived from the base class",
                        "package " + PACKAGE + ";\n" + API + TYPE + END,
                        "the plugin file 'FILE' is no storage plugin: package " + PACKAGE
                                + " is not derived from PVE::Storage::Plugin"),
                Arguments.of(
                        "is older than the oldest level",
                        HEAD + "sub api { return 8 }\n" + TYPE + END,
                        plugin
                                + " implements API version 8, older than the oldest supported, 9; it may work all the same: --accept-old"),
                Arguments.of(
                        "is newer than the newest level and takes other arguments",
                        HEAD + "sub api { return 17 }\n" + TYPE
                                + "sub status { my ($class, $storeid, $scfg, $cache, $timeout) = @_ }\n" + END,
                        plugin
                                + " implements API version 17, newer than this Tenon knows, 16, and cannot be hosted as one"
                                + " of that: status unpacks 4 parameters beside the class, and level 16 has 3"),
                Arguments.of(
                        "has a word for a level",
                        HEAD + "sub api { return 'abc' }\n" + TYPE + END,
                        "the api()" + method + " returned 'abc', which is no API version"),
                Arguments.of(
                        "has lines for a level",
                        HEAD + "sub api { return \"9\\n\\n\" }\n" + TYPE + END,
                        "the api()" + method + " returned '9??', which is no API version"),
                Arguments.of(
                        "has no level",
                        HEAD + "sub api { return undef }\n" + TYPE + END,
                        "the api()" + method + " failed: it returned undef"),
                Arguments.of(
                        "dies when it is asked for its level",
                        HEAD + "sub api { die \"not today\\n\" }\n" + TYPE + END,
                        "the api()" + method + " failed: not today"),
                Arguments.of(
                        "dies when it is asked for its type",
                        HEAD + API + "sub type { die \"I am\\nnobody\\n\" }\n" + END,
                        "the type()" + method + " failed: I am; nobody"),
                Arguments.of(
                        "dies when it is asked for its data",
                        HEAD + API + TYPE + "sub plugindata { die \"no\\ndata\\n\" }\n" + END,
                        plugin + " cannot be registered: no; data"),
                Arguments.of("declares no package", API + TYPE + END, "the plugin file 'FILE' declares no package"),
                Arguments.of("is empty", "", "the plugin file 'FILE' declares no package"));
    }

    private static StorageException refusal(Scratch scratch, Path file) {
        return refusal(scratch, file, settings -> settings);
    }

    /** What a start ends with; no process of it may be left. */
    private static StorageException refusal(Scratch scratch, Path file, UnaryOperator<SidecarSettings> change) {
        StorageException e =
                catchThrowableOfType(StorageException.class, () -> SidecarHost.start(scratch, file, change));
        assertThat(e).isNotNull();
        assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED);
        assertThat(e.getMessage()).doesNotContain("\n");
        await("the process is gone")
                .atMost(Duration.ofSeconds(10))
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .untilAsserted(() -> assertThat(ProcessHandle.current().children())
                        .extracting(ProcessHandle::info)
                        .isEmpty());
        assertThat(scratch.runtime()).isEmptyDirectory();
        return e;
    }

    private static void rejected(StorageException e, String sentence) {
        assertThat(e).hasMessage(sentence);
        assertThat(e.error()).isEqualTo(StorageError.PLUGIN_REJECTED);
    }

    private static Path file(Scratch scratch, String text) throws IOException {
        return Files.writeString(scratch.file("BadPlugin.pm"), text);
    }

    @ParameterizedTest(name = "one that {0}")
    @MethodSource("files")
    void aFileIsRefusedWithWhatIsWrong(String wrong, String text, String sentence, Scratch scratch) throws IOException {
        Path file = file(scratch, text);
        rejected(refusal(scratch, file), sentence.replace("FILE", file.toString()));
    }

    @Test
    void aFileThatDoesNotExistIsRefused(Scratch scratch) {
        Path file = scratch.file("missing").resolve("Plugin.pm");
        rejected(refusal(scratch, file), "the plugin file '" + file + "' does not exist");
        Path near = scratch.file("Plugin.pm");
        rejected(refusal(scratch, near), "the plugin file '" + near + "' does not exist");
    }

    @Test
    void aDirectoryIsRefused(Scratch scratch) {
        rejected(refusal(scratch, scratch.storage()), "the plugin file '" + scratch.storage() + "' is no regular file");
    }

    @Test
    void aFileThatEndsItsProcessIsRefused(Scratch scratch) throws IOException {
        Path file = file(scratch, HEAD + "print \"leaving\\n\";\nexit(3);\n" + API + TYPE + END);
        StorageException e = refusal(scratch, file);
        assertThat(e.error()).isEqualTo(StorageError.SIDECAR_FAILED);
        assertThat(e)
                .hasMessage("plugin BadPlugin.pm: its process ended with exit status 3 before it said hello; its last"
                        + " lines: leaving");
    }

    @Test
    void aFileThatIsNeverCompiledIsNotWaitedFor(Scratch scratch) throws IOException {
        Path file = file(scratch, HEAD + "print \"thinking\\n\";\nsleep(1) while 1;\n" + API + TYPE + END);
        StorageException e = refusal(scratch, file, settings -> settings.with(Limit.START, Duration.ofSeconds(2)));
        assertThat(e.error()).isEqualTo(StorageError.SIDECAR_FAILED);
        assertThat(e).hasMessage("plugin BadPlugin.pm: its process said no hello within 2 s; its last lines: thinking");
    }

    @Test
    void aRefusedPluginThatDoesNotEndIsEnded(Scratch scratch) throws IOException {
        Path file = file(scratch, HEAD + "sub api { return 'x' }\n" + TYPE + "END { sleep(1) while 1 }\n" + END);
        rejected(
                refusal(scratch, file, settings -> settings.with(Limit.STOP, Duration.ofMillis(100))),
                "the api() method of the plugin " + PACKAGE + " returned 'x', which is no API version");
    }

    @Test
    void theDaemonDoesNotStartWithARefusedPluginAndSaysTheSameLine(Scratch scratch) throws IOException {
        Path file = file(scratch, HEAD + "use Tenon::No::Such::Module;\n" + API + TYPE + END);
        DaemonProcess daemon = DaemonProcess.launch(scratch, file);
        assertThat(daemon.awaitEnd()).isOne();
        assertThat(daemon.log())
                .isEqualTo("tenon: the plugin file '" + file + "' does not compile: Can't locate"
                        + " Tenon/No/Such/Module.pm in @INC (you may need to install the Tenon::No::Such::Module"
                        + " module) at " + file + " line 3. [PLUGIN_REJECTED, NOT_STARTED]\n");
        assertThat(scratch.runtime()).isEmptyDirectory();
        assertThat(daemon.sidecars()).isEmpty();
    }

    @Test
    void theDaemonEndsThePluginsThatItHasStartedBeforeTheBadOne(Scratch scratch) throws IOException {
        Path good = file(scratch, HEAD + API + TYPE + END);
        Path bad = scratch.file("None.pm");
        DaemonProcess daemon = DaemonProcess.launch(scratch, good, bad);
        assertThat(daemon.awaitEnd()).isOne();
        List<String> said = daemon.log().lines().toList();
        assertThat(said.getLast())
                .isEqualTo("tenon: the plugin file '" + bad + "' does not exist [PLUGIN_REJECTED, NOT_STARTED]");
        assertThat(said)
                .filteredOn(line -> line.contains("event=sidecar-started"))
                .singleElement()
                .satisfies(line -> {
                    var pid = Pattern.compile("pid=(\\d+)").matcher(line);
                    assertThat(pid.find()).isTrue();
                    assertThat(ProcessHandle.of(Long.parseLong(pid.group(1)))).isEmpty();
                });
    }
}

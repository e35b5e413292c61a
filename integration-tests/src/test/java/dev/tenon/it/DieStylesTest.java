package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tenon.bridge.codec.RemoteStorageException;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.it.support.SidecarHost;
import dev.tenon.proto.Value;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** However a plugin dies, its words arrive as they were: PVE shows and matches them. */
@TestInstance(Lifecycle.PER_CLASS)
class DieStylesTest {
    private final SidecarHost host;
    private final PerlCaller perl;
    private final Map<String, Object> scfg;

    DieStylesTest(Scratch scratch) {
        host = SidecarHost.start(scratch, Installation.plugin("TorturePlugin.pm"));
        scfg = ScratchStorage.empty(scratch).section("torture");
        DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
        perl = PerlCaller.start(scratch).calling("torture");
    }

    static Stream<Arguments> styles() {
        return Stream.of(
                Arguments.of("die-line", "the array said no\n"),
                Arguments.of("die-lines", "the array said no\nand then hung up\n\n"),
                Arguments.of("die-false", "false but dead\n"),
                Arguments.of("die-zero", "0\n"),
                Arguments.of("die-cleared", "not forgotten\n"),
                Arguments.of("die-long", "long ".repeat(20000) + "\n"),
                Arguments.of("die-characters", "Platte \u00e4\u20ac fehlt\n"));
    }

    private RemoteStorageException javaGets(String habit) {
        RemoteStorageException e = catchThrowableOfType(
                RemoteStorageException.class,
                () -> host.plugin().volumeSizeInfo(host.storage(), new VolumeName(habit), null));
        assertThat(e.error()).isEqualTo(StorageError.PLUGIN_DIED);
        assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(e).hasMessageStartingWith("volume_size_info of storage 'nas', volume '" + habit + "': ");
        assertThat(e.getMessage()).doesNotEndWith("\n");
        return e;
    }

    private PerlCaller.Answer perlGets(String habit) {
        return perl.list("volume_size_info", scfg, "nas", habit);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("styles")
    void theTextIsTheSameToTheByteForJavaAndForPerl(String habit, String text) {
        assertThat(javaGets(habit).dieText()).hasValue(text);
        assertThat(perlGets(habit).died()).isEqualTo(text);
        assertThat(perlGets(habit).errorClass()).isEmpty();
    }

    @Test
    void bytesThatAreNoTextStayAsTheyAre() {
        assertThat(perlGets("die-bytes").died()).isEqualTo("Platte \u00e4\u00ff fehlt\n");
        assertThat(javaGets("die-bytes").dieText()).hasValue("Platte \ufffd\ufffd fehlt\n");
        assertThat(javaGets("die-bytes")).hasMessageEndingWith("Platte ?? fehlt");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("placed")
    void perlsOwnWordsAboutThePlaceAreKept(String habit, String pattern) {
        assertThat(javaGets(habit).dieText().orElse("")).matches(pattern);
        assertThat(perlGets(habit).died()).matches(pattern);
    }

    static Stream<Arguments> placed() {
        String place = " at array.pl line 1(, <\\w+> (line|chunk) \\d+)?\\.\n";
        return Stream.of(
                Arguments.of("die-place", "the array said no" + place),
                Arguments.of("die-empty", "Died" + place),
                Arguments.of("die-undef", "Died" + place));
    }

    @Test
    void aHashArrivesAsItsFields() {
        RemoteStorageException e = javaGets("die-hash");
        assertThat(e.dieText().orElse("")).matches("HASH\\(0x[0-9a-f]+\\)");
        assertThat(e.wireError().exception())
                .isEqualTo(new Value.Fields(Map.of("code", Value.ofText("42"), "reason", Value.ofText("no"))));
    }

    @Test
    void anObjectWhoseOwnWordsDieStillSaysThatThePluginDied() {
        assertThat(javaGets("die-object").dieText()).hasValue("the plugin died with an object that has no text");
        assertThat(perlGets("die-object").died()).contains("the plugin died with an object that has no text");
    }

    @Test
    void anExceptionOfPveIsOneAgainForPerl() {
        RemoteStorageException e = javaGets("die-exception");
        assertThat(e.dieText()).hasValue("595 no quorum\nnode: is down\n");
        assertThat(e.wireError().exception())
                .isEqualTo(new Value.Fields(Map.of(
                        "msg",
                        Value.ofText("no quorum\n"),
                        "code",
                        Value.ofText("595"),
                        "errors",
                        new Value.Fields(Map.of("node", Value.ofText("is down"))))));
        PerlCaller.Answer answer = perlGets("die-exception");
        assertThat(answer.errorClass()).isEqualTo("PVE::Exception");
        assertThat(answer.died()).isEqualTo("595 no quorum\nnode: is down\n");
        assertThat(answer.exception())
                .isEqualTo(Map.of("msg", "no quorum\n", "code", "595", "errors", Map.of("node", "is down")));
    }

    @Test
    void aPluginThatDiedIsStillThere() {
        long pid = host.process().pid();
        javaGets("die-line");
        assertThat(host.plugin()
                        .volumeSizeInfo(host.storage(), new VolumeName("plain"), null)
                        .format()
                        .word())
                .isEqualTo("raw");
        assertThat(host.process().pid()).isEqualTo(pid);
    }
}

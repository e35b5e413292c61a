package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a plugin behind the daemon prints comes out of the process that calls it, as if it ran there. */
class PrintedInTheCallersTaskTest {
    private Map<String, Object> section = Map.of();

    @BeforeEach
    void serve(Scratch scratch) {
        DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
        section = Map.of(
                "type",
                "torture",
                "path",
                scratch.storage().toString(),
                "go",
                scratch.file("go").toString(),
                "ready",
                scratch.file("ready").toString());
    }

    private void begin(PerlCaller perl, String habit) {
        perl.begin("list", "volume_size_info", section, "nas", habit, null);
    }

    @Test
    void aLineComesOutWhileTheCallRuns(Scratch scratch) throws IOException {
        PerlCaller perl = PerlCaller.start(scratch).calling("torture");
        begin(perl, "say-and-wait");
        assertThat(perl.program().line()).isEqualTo("so far: 50% grün");
        Files.createFile(scratch.file("go"));
        assertThat(perl.answer().list().toString()).startsWith("[1024, raw");
        assertThat(perl.program().errors()).isEqualTo("a warning of its own\n");
    }

    @Test
    void eachCallerHearsItsOwnCallsAlone(Scratch scratch) {
        List<PerlCaller> callers = Stream.generate(
                        () -> PerlCaller.start(scratch).calling("torture"))
                .limit(4)
                .toList();
        PerlCaller silent = PerlCaller.start(scratch).calling("torture");
        for (int round = 0; round < 5; round++) {
            callers.forEach(perl -> begin(perl, "say"));
            begin(silent, "plain");
            assertThat(silent.answer().list().toString()).startsWith("[1024, raw");
            callers.forEach(perl -> {
                assertThat(perl.program().line()).isEqualTo("a word of its own");
                assertThat(perl.answer().list().toString()).startsWith("[1024, raw");
            });
        }
    }

    @Test
    void theLastWordsOfAProcessComeBeforeTheErrorThatTellsOfItsEnd(Scratch scratch) {
        PerlCaller perl = PerlCaller.start(scratch).calling("torture");
        begin(perl, "exit");
        assertThat(perl.answer().died()).contains("ended with exit status 7");
        assertThat(perl.program().errors()).isEqualTo("leaving\n");
    }

    @Test
    void aCommandSaysItOnStandardErrorBesideItsData(Scratch scratch) throws IOException {
        Path cfg = Files.writeString(
                scratch.file("storage.cfg"), "torture: nas\n\tpath " + scratch.storage() + "\n\tcontent images\n");
        TenonCommand info = TenonCommand.run(
                scratch,
                "volume",
                "info",
                "nas:say",
                "--json",
                "--config",
                cfg.toString(),
                "--plugin",
                Installation.plugin("TorturePlugin.pm").toString(),
                "--journal",
                scratch.file("journal").toString());
        assertThat(info.errors()).isEqualTo("a word of its own\n");
        assertThat(info.said()).startsWith("{");
        assertThat(info.status()).isZero();
    }
}

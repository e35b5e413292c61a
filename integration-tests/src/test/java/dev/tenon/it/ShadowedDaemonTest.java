package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A daemon that serves a plugin in Perl, with a storage type in Java as its shadow. */
class ShadowedDaemonTest {
    @Test
    void perlGetsTheOldAnswersAndTheReportTellsWhatTheNewPluginSays(Scratch scratch) throws IOException {
        ScratchStorage storage = ScratchStorage.empty(scratch);
        Path reports = scratch.file("reports");
        DaemonProcess daemon = DaemonProcess.startWith(
                scratch,
                List.of(
                        "--adopted",
                        scratch.file("nothing-adopted").toString(),
                        "--plugin",
                        Installation.legacyDirPlugin().toString(),
                        "--shadow",
                        "legacydir=dir",
                        "--shadow-report",
                        reports.toString()));
        PerlCaller perl = PerlCaller.start(scratch).calling("legacydir");
        Map<String, Object> section = storage.section("legacydir");
        perl.begin("scalar", "alloc_image", "nas", section, 100, "raw", null, 64);
        String volume = String.valueOf(perl.answer().value());
        for (int i = 0; i < 5; i++) {
            perl.begin("scalar", "list_images", "nas", section, null, null, Map.of());
            assertThat(String.valueOf(perl.answer().value())).contains(volume);
        }
        perl.begin("list", "volume_size_info", section, "nas", volume);
        assertThat(String.valueOf(perl.answer().list().getFirst())).isEqualTo("65536");

        daemon.terminate();
        daemon.awaitEnd();

        assertThat(daemon.log()).contains("event=shadowed type=legacydir by=dir", "event=shadow-ended type=legacydir");
        String json = Files.readString(reports.resolve("legacydir/report.json"));
        assertThat(JSON.std.mapFrom(json)).containsEntry("old", "legacydir").containsEntry("new", "dir");
        assertThat(json).contains("1 calls changed something, and were made by the old plugin alone.", "listImages");
        assertThat(reports.resolve("legacydir/report.html")).isRegularFile();
        assertThat(storage.path().resolve("images/100")).isDirectoryContaining("glob:**/vm-100-disk-0.raw");
    }
}

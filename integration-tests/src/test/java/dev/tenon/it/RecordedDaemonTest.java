package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Calls of a Perl program at a daemon, recorded, and made again on plugins in both languages. */
class RecordedDaemonTest {
    private static final String PLUGIN = Installation.legacyDirPlugin().toString();

    private final Scratch scratch;

    RecordedDaemonTest(Scratch scratch) {
        this.scratch = scratch;
    }

    private TenonCommand record(String... words) {
        List<String> all = new ArrayList<>(List.of("record"));
        all.addAll(List.of(words));
        all.addAll(List.of("--socket", DaemonProcess.socketIn(scratch).toString()));
        return TenonCommand.run(scratch, all.toArray(String[]::new));
    }

    private TenonCommand replay(String... words) throws IOException {
        List<String> all = new ArrayList<>(List.of("replay"));
        all.addAll(List.of(words));
        all.addAll(List.of(
                "--config", Files.writeString(scratch.file("no-storages"), "").toString()));
        return TenonCommand.run(scratch, all.toArray(String[]::new));
    }

    @Test
    void whatWasRecordedIsMadeAgainOnAnyPlugin() throws IOException {
        Path recordings = scratch.file("recordings");
        DaemonProcess.startWith(
                scratch,
                List.of(
                        "--adopted",
                        scratch.file("nothing-adopted").toString(),
                        "--plugin",
                        PLUGIN,
                        "--recordings",
                        recordings.toString()));
        ScratchStorage storage = ScratchStorage.empty(scratch);
        Map<String, Object> section = storage.section("legacydir");
        PerlCaller perl = PerlCaller.start(scratch).calling("legacydir");
        assertThat(record("dri").errors()).contains("there is no storage type 'dri'");
        TenonCommand begun = record("legacydir", "--storage", "nas");
        assertThat(begun.status()).as(begun.errors()).isZero();
        assertThat(begun.said()).contains("recording", recordings.toString());

        String raw = String.valueOf(
                perl.scalar("alloc_image", "nas", section, 100, "raw", null, 64).value());
        String image = String.valueOf(perl.scalar("alloc_image", "nas", section, 100, "qcow2", null, 640)
                .value());
        perl.list("list_images", "nas", section, null, null, Map.of());
        perl.list("volume_size_info", section, "nas", image);
        perl.list("volume_size_info", section, "nas", "100/vm-100-disk-9.raw");
        perl.nothing("free_image", "nas", section, raw, 0, "raw");
        perl.list("list_images", "nas", section, 100, null, Map.of());

        assertThat(record("legacydir").errors()).contains("stop that first");
        TenonCommand stopped = record("--stop");
        assertThat(stopped.said()).contains("stopped").containsPattern(" 7 +0 ");
        String file = stopped.said().replaceAll("(?s).*?(/\\S+\\.jsonl).*", "$1");

        TenonCommand reads = replay(file, "--on", PLUGIN);
        assertThat(reads.status()).as(reads.said() + reads.errors()).isEqualTo(1);
        assertThat(reads.said()).contains("NO-GO").contains("listImages");
        assertThat(storage.path().resolve("images/100")).isDirectoryContaining("glob:**.qcow2");

        Path report = scratch.file("report");
        String scratches = scratch.file("s").toString();
        TenonCommand same = replay(file, "--on", PLUGIN, "--scratch", scratches, "--report", report.toString());
        assertThat(same.status()).as(same.said() + same.errors()).isZero();
        assertThat(same.said()).contains("7 calls").contains(" 0 differ").contains("GO: All answers say the same.");
        assertThat(scratch.file("s")).isEmptyDirectory();
        assertThat(Files.readString(report.resolve("report.json"))).contains("sha256 of the recording", "allocImage");

        TenonCommand other = replay(file, "--on", "dir", "--scratch", scratches, "--in-time");
        assertThat(other.said()).contains("7 calls").contains("volumeSizeInfo");

        TenonCommand itself = replay(file, "--on", "dir", "--copy", "nas=" + storage.path());
        assertThat(itself.status()).isEqualTo(2);
        assertThat(itself.errors()).contains("name a copy of it");
        assertThat(replay(file, "--on", "dir", "--copy", "nas=" + storage.path().resolve("images"))
                        .errors())
                .contains("is, holds or is in '" + storage.path());
        Path inUse = Files.createDirectories(scratch.file("in-use"));
        String config = "unknown: other\n\tpath " + inUse + "/\n";
        TenonCommand ofOther = TenonCommand.run(
                scratch,
                "replay",
                file,
                "--on",
                "dir",
                "--copy",
                "nas=" + inUse,
                "--config",
                Files.writeString(scratch.file("storages"), config).toString());
        assertThat(ofOther.status()).isEqualTo(2);
        assertThat(ofOther.errors()).contains("is, holds or is in '" + inUse);
        assertThat(inUse).isEmptyDirectory();
        for (String type : List.of("nfs", "cephfs")) {
            assertThat(replay(file, "--on", type, "--copy", "nas=" + scratch.root())
                            .errors())
                    .contains("type '" + type + "', because it ");
        }

        String name = Path.of(file).getFileName().toString();
        assertThat(record("--erase", name).said()).contains("There are no recordings.");
        assertThat(Path.of(file)).doesNotExist();
        assertThat(record("--erase", name).errors()).contains("there is no recording '" + name + "'");
    }
}

package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.it.support.Background;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The conformance kit as a command, on a plugin in Perl, a storage in Java, and plugins with faults. */
class CheckCommandTest {
    private static final String PLUGIN = Installation.legacyDirPlugin().toString();

    /** The example with one method in place of its own. */
    private static final String FAULTY = """
            package PVE::Storage::Custom::FaultyDirPlugin;

            use strict;
            use warnings;

            BEGIN { require '@EXAMPLE@'; }
            use parent -norequire, 'PVE::Storage::Custom::LegacyDirPlugin';

            sub type { return 'faultydir' }

            sub properties { return {} }

            sub options {
                my %options = %{PVE::Storage::Custom::LegacyDirPlugin::options()};
                delete $options{'legacydir-quiet'};
                return \\%options;
            }

            sub @METHOD@ { @BODY@ }

            1;
            """;

    /** What keeps the example from building on a disk of another size. */
    private static final String OF_THIS_SIZE = " || _virtual_size($disk) != $size";

    private final Scratch scratch;
    private final StorageCommands tenon;

    CheckCommandTest(Scratch scratch) throws IOException {
        this.scratch = scratch;
        tenon = StorageCommands.withDirectory(scratch, "fast");
        Files.createDirectories(scratch.file("s"));
    }

    private TenonCommand check(String plugin, String... more) {
        String[] words = Stream.concat(
                        Stream.of(
                                "check", plugin, "--scratch", scratch.file("s").toString()),
                        Stream.of(more))
                .toArray(String[]::new);
        return TenonCommand.run(scratch, tenon.all(words));
    }

    private String faulty(String method, String body) throws IOException {
        return Files.writeString(
                        scratch.file("FaultyDirPlugin.pm"),
                        FAULTY.replace("@EXAMPLE@", PLUGIN)
                                .replace("@METHOD@", method)
                                .replace("@BODY@", body))
                .toString();
    }

    @Test
    void aPluginInPerlPassesAndWhatItDoesNotDoIsListed() throws IOException {
        Path report = scratch.file("report");
        TenonCommand checked = check(PLUGIN, "--profile", "clones", "--report", report.toString());

        assertThat(checked.status()).as(checked.errors() + checked.said()).isZero();
        assertThat(checked.said())
                .contains("PASSED: ", " 0 failed, 0 failed as declared, ")
                .contains("Not supported, and to be refused:", "  the plugin makes no images of format 'vmdk'");
        assertThat(scratch.file("s")).isEmptyDirectory();
        Map<String, Object> json = JSON.std.mapFrom(Files.readString(report.resolve("report.json")));
        assertThat(json).containsEntry("verdict", "PASSED").containsKeys("features", "not supported");
        assertThat((Map<?, ?>) json.get("facts"))
                .extracting(Object::toString)
                .asString()
                .contains("kit=tenon ", "sha256 of the plugin=", "from=", "profiles=clones");
        assertThat((List<?>) json.get("checks")).hasSizeGreaterThan(10);
        assertThat(Files.readString(report.resolve("report.html")))
                .contains("<h1><span class=\"good\">PASSED", "sha256 of the plugin", "Profile clones");
        assertThat(Files.readString(report.resolve("report.xml")))
                .contains("<testsuite name=\"clones\"", "failures=\"0\"", "<skipped message=\"not supported: ");
    }

    @Test
    void aStorageInJavaPassesOnScratchStoragesAndOnOneThatIsNamed() {
        TenonCommand checked = check("dir", "--profile", "clones", "--json");
        assertThat(checked.status()).as(checked.errors() + checked.said()).isZero();
        assertThat(checked.said()).contains("\"verdict\" : \"PASSED\"");

        TenonCommand named = check("dir", "--profile", "blocks", "--storage", "fast", "--confirm", "fast");
        assertThat(named.status()).as(named.errors() + named.said()).isZero();
        assertThat(tenon.said("volume", "list", "fast", "--json")).contains("[ ]");
        assertThat(scratch.file("s")).isEmptyDirectory();
    }

    @ParameterizedTest(name = "{0} in profile {2}")
    @CsvSource(delimiter = '|', textBlock = """
                    volume_snapshot | return;         | snapshots | A snapshot is taken listed rolled back to and deleted or refused (raw)
                    clone_image     | return $_[3];   | clones    | A clone has the content of its base and does not change it or is refused (raw)
                    free_image      | return;         | blocks    | A volume that does not exist is not activated (raw)
                    """)
    void aFaultIsFoundByTheCheckThatIsAboutIt(String method, String body, String profile, String check)
            throws IOException {
        TenonCommand checked = check(faulty(method, body), "--profile", profile);

        assertThat(checked.status()).as(checked.errors() + checked.said()).isEqualTo(1);
        assertThat(checked.said()).contains("FAILED: ").containsSubsequence(check + "\n  calls    ", "  callers  ");
        assertThat(checked.errors()).contains("does not pass: ");
        assertThat(scratch.file("s")).isEmptyDirectory();
    }

    @Test
    void aDeclaredLimitIsTakenAndOneThatIsMetNoMoreFails() throws IOException {
        Path limits = Files.writeString(scratch.file("limits.json"), """
                { "limits": [
                  { "check": "aVolumeGrowsAndKeepsItsContentOrIsRefused",
                    "reason": "it does not grow", "owner": "the tests" },
                  { "check": "aVolumeThatDoesNotExistDoesNotGrow",
                    "reason": "it does not grow", "owner": "the tests" },
                  { "check": "aVolumeThatGrowsAgainIsAsLargeAsItWasToBe",
                    "reason": "it does not grow", "owner": "the tests" } ] }
                """);
        String plugin = faulty("volume_resize", "return;");
        String[] words = {"--profile", "blocks", "--limits", limits.toString()};

        TenonCommand unknown = check(plugin, "--profile", "blocks");
        assertThat(unknown.status()).as(unknown.said()).isEqualTo(1);
        assertThat(unknown.said()).contains("A volume grows and keeps its content or is refused (raw)");

        TenonCommand declared = check(plugin, words);
        assertThat(declared.status()).as(declared.errors() + declared.said()).isZero();
        assertThat(declared.said()).contains("PASSED WITH LIMITS: ");

        TenonCommand met = check(PLUGIN, words);
        assertThat(met.status()).isEqualTo(1);
        assertThat(met.said())
                .contains("FAILED: ", "The limit of 'aVolumeGrowsAndKeepsItsContentOrIsRefused' no longer applies");
    }

    @Test
    void aBackupProviderIsCheckedAndAPluginWithoutOneRefuses() throws IOException {
        assumeTrue(EffectiveUser.id() == 0, "disks that are shown as files need root");
        Path report = scratch.file("report");
        String provider =
                Installation.perlShim().resolve("examples/ChainBackupPlugin.pm").toString();
        TenonCommand checked = check(provider, "--profile", "backup", "--report", report.toString());

        assertThat(checked.status()).as(checked.errors() + checked.said()).isZero();
        assertThat(checked.said()).contains("PASSED: 25 checks: 25 passed, ");
        assertThat(scratch.file("s")).isEmptyDirectory();
        Map<String, Object> json = JSON.std.mapFrom(Files.readString(report.resolve("report.json")));
        assertThat((List<?>) json.get("features"))
                .extracting(Object::toString)
                .anyMatch(feature -> feature.contains("incremental backups"));
        assertThat(Files.readString(report.resolve("report.xml")))
                .contains("<testsuite name=\"backup\"", "A disk is restored as it was");

        TenonCommand without = check("dir", "--profile", "backup");
        assertThat(without.status()).as(without.errors() + without.said()).isZero();
        assertThat(without.said()).contains("PASSED: 1 check: 1 passed, ");
    }

    @Test
    void aFaultOfABackupProviderIsFound() throws IOException {
        assumeTrue(EffectiveUser.id() == 0, "disks that are shown as files need root");
        String example = Files.readString(Installation.perlShim().resolve("examples/ChainBackupPlugin.pm"));
        String stale = example.replace(OF_THIS_SIZE, "");
        assertThat(stale).isNotEqualTo(example);
        Path file = Files.writeString(scratch.file("ChainBackupPlugin.pm"), stale);

        TenonCommand checked = check(file.toString(), "--profile", "backup");

        assertThat(checked.status()).as(checked.errors() + checked.said()).isEqualTo(1);
        assertThat(checked.said())
                .contains("FAILED: ")
                .containsSubsequence(
                        "A disk of another size is no base\n  calls    backup_vm_query_incremental", "  callers  ");
    }

    @Test
    void aCheckThatIsCancelledEndsWithTheCallThatRunsAndLeavesNothing() throws Exception {
        Path running = scratch.file("running");
        Path later = scratch.file("later");
        String plugin = faulty(
                "activate_storage",
                "my $path = $_[2]->{path}; my ($n) = $path =~ m!/(\\d+)/store\\z!; my $said = $n == 7 ? '%s' : '%s';"
                                .formatted(running, later)
                        + " if ($n >= 7) { open(my $fh, '>', $said) or die; close($fh); sleep(60); } return;");
        Background<TenonCommand> checked = Background.of(() -> check(plugin, "--profile", "core"));
        Background.awaitReady(running);

        checked.interrupt();

        assertThat(checked.result().errors()).contains("the check was cancelled");
        assertThat(later).doesNotExist();
        assertThat(scratch.file("s")).isEmptyDirectory();
    }

    @Test
    void whatCannotBeCheckedIsSaid() throws IOException {
        TenonCommand unconfirmed = check("dir", "--storage", "fast");
        assertThat(unconfirmed.status()).isEqualTo(2);
        assertThat(unconfirmed.errors()).contains("say --confirm fast");

        tenon.said("volume", "alloc", "fast", "--vmid", "100", "--size", "1M");
        TenonCommand full = check("dir", "--storage", "fast", "--confirm", "fast");
        assertThat(full.status()).isEqualTo(1);
        assertThat(full.errors()).contains("storage 'fast' has 1 volumes");
        tenon.said("volume", "free", "fast:100/vm-100-disk-0.raw");

        // It may be the only one there is of the guest.
        Path dump = Files.createDirectories(scratch.storage().resolve("dump"));
        Path archive = Files.writeString(dump.resolve("vzdump-qemu-100-2026_01_02-03_04_05.vma.zst"), "a backup");
        TenonCommand kept = check("dir", "--storage", "fast", "--confirm", "fast");
        assertThat(kept.status()).isEqualTo(1);
        assertThat(kept.errors()).contains("storage 'fast' has 1 volumes");
        Files.delete(archive);

        TenonCommand profile = check("dir", "--profile", "all");
        assertThat(profile.status()).isEqualTo(2);
        assertThat(profile.errors()).contains("'all'; there are backup, blocks, clones, core, snapshots, streams");

        for (String type : List.of("nfs", "cephfs")) {
            TenonCommand mounted = check(type);
            assertThat(mounted.status()).isEqualTo(1);
            assertThat(mounted.errors()).contains("type '" + type + "' can be made, because it ");
        }

        Path limits = Files.writeString(
                scratch.file("limits.json"),
                "{ \"limits\": [ { \"check\": \"none\", \"reason\": \"a\", \"owner\": \"b\" } ] }");
        TenonCommand limit = check("dir", "--limits", limits.toString());
        assertThat(limit.status()).isEqualTo(1);
        assertThat(limit.errors()).contains("limit 1 of ", "'none', which does not exist");
    }

    @Test
    void onlyThisCommandLoadsWhatTestsAreMadeOf() throws IOException {
        assertThat(classesOf("check", "dir", "--profile", "clones")).contains("org.junit.", "org.assertj.");
        assertThat(classesOf("compare", "--old", "dir", "--new", "dir")).doesNotContain("org.junit.", "org.assertj.");
    }

    /** The classes that a process of this command loads. */
    private String classesOf(String... words) throws IOException {
        Path classes = scratch.file("classes-" + words[0]);
        TenonCommand command = TenonCommand.runProcess(
                scratch,
                new File("/dev/null"),
                Map.of("_JAVA_OPTIONS", "-Xlog:class+load=info:file=" + classes), // it is read after what disables logs
                tenon.all(words));
        assertThat(command.status()).as("%s", command).isZero();
        return Files.readString(classes);
    }
}

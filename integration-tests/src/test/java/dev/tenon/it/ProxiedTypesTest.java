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
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The name by which PVE knows a type is one thing in storage.cfg, for the daemon and for the commands. */
class ProxiedTypesTest {
    private static Path storage(Scratch scratch, String type) throws IOException {
        Files.createDirectories(scratch.file("store"));
        return Files.writeString(
                scratch.file("storage.cfg"),
                type + ": fast\n\tpath " + scratch.file("store") + "\n\tcontent images\n\n" + "dir: other\n\tpath "
                        + scratch.file("nowhere") + "\n\tdisable\n");
    }

    private static TenonCommand run(Scratch scratch, Path cfg, String... words) {
        List<String> arguments = new ArrayList<>(List.of(words));
        arguments.addAll(List.of(
                "--config", cfg.toString(),
                "--journal", scratch.file("command-journal").toString(),
                "--adopted", scratch.file("state").toString(),
                "--socket", DaemonProcess.socketIn(scratch).toString()));
        return TenonCommand.run(scratch, arguments.toArray(String[]::new));
    }

    /** A plugin may have its own words. */
    private static void complainsOfNothing(TenonCommand command) {
        assertThat(command.errors().lines()).noneMatch(line -> line.startsWith("tenon: "));
    }

    private static void isUsed(Scratch scratch, Path cfg) {
        TenonCommand made =
                run(scratch, cfg, "volume", "alloc", "fast", "--vmid", "100", "--size", "1M", "--format", "raw");
        complainsOfNothing(made);
        TenonCommand list = run(scratch, cfg, "volume", "list", "fast");
        complainsOfNothing(list);
        assertThat(list.said()).contains("fast:100/vm-100-disk-0.raw");
    }

    @Test
    void theCommandsKnowTheTypeOfTheExample(Scratch scratch) throws IOException {
        Path cfg = storage(scratch, "tenondir");
        isUsed(scratch, cfg);
        TenonCommand doctor = run(scratch, cfg, "doctor");
        assertThat(doctor.errors()).isEmpty();
        assertThat(doctor.said()).isEqualTo("nothing is wrong\n");
        assertThat(doctor.status()).isZero();

        Files.createDirectories(scratch.file("store/images/300"));
        assertThat(run(scratch, cfg, "doctor").said()).contains("fast: directory-empty");
    }

    @Test
    void aNameOfOnesOwnIsOneThingEverywhere(Scratch scratch) throws IOException {
        Path cfg = storage(scratch, "fastdir");
        assertThat(run(scratch, cfg, "volume", "list", "fast").errors()).contains("fastdir");
        TenonCommand proxy = TenonCommand.run(
                scratch,
                "proxy",
                "dir",
                "--as",
                "fastdir",
                "--state",
                scratch.file("state").toString(),
                "--output",
                scratch.file("FastDir.pm").toString());
        assertThat(proxy.errors()).isEmpty();
        assertThat(Files.readString(scratch.file("FastDir.pm"))).contains("my $PLUGIN = 'fastdir';");

        isUsed(scratch, cfg);
        DaemonProcess.startWith(
                scratch, List.of("--adopted", scratch.file("state").toString()));
        PerlCaller perl = PerlCaller.start(scratch).calling("fastdir");
        assertThat(perl.list(
                                "list_images",
                                "fast",
                                Map.of(
                                        "type",
                                        "fastdir",
                                        "path",
                                        scratch.file("store").toString()),
                                null,
                                null,
                                Map.of())
                        .list()
                        .toString())
                .contains("fast:100/vm-100-disk-0.raw");
    }

    @Test
    void aProxyIsWrittenAsAWholeOrItIsToldWhyNot(Scratch scratch) throws IOException {
        Path file = Files.createDirectories(scratch.file("custom")).resolve("TenonDir.pm");
        String state = scratch.file("state").toString();
        String missing = scratch.file("nowhere/TenonDir.pm").toString();
        TenonCommand refused = TenonCommand.run(scratch, "proxy", "dir", "--state", state, "--output", missing);
        assertThat(refused.status()).isOne();
        assertThat(refused.errors())
                .isEqualTo("tenon: '" + missing + "' cannot be written: No such file or directory\n");

        Files.write(file, new byte[] {'#', ' ', (byte) 0xE4, '\n'});
        TenonCommand other = TenonCommand.run(scratch, "proxy", "dir", "--state", state, "--output", file.toString());
        assertThat(other.errors()).isEqualTo("tenon: '" + file + "' is no proxy of Tenon; it is not overwritten\n");

        Files.delete(file);
        for (int i = 0; i < 2; i++) {
            Object before = Files.exists(file) ? Files.getAttribute(file, "unix:ino") : null;
            TenonCommand written =
                    TenonCommand.run(scratch, "proxy", "dir", "--state", state, "--output", file.toString());
            assertThat(written.errors()).isEmpty();
            assertThat(Files.getAttribute(file, "unix:ino")).isNotEqualTo(before);
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-r--r--");
        }
        try (Stream<Path> all = Files.list(scratch.file("custom"))) {
            assertThat(all).containsExactly(file);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"dir", "nfs"})
    void aNameOfPvesOwnIsRefused(String name, Scratch scratch) {
        TenonCommand proxy = TenonCommand.run(scratch, "proxy", "dir", "--as", name);
        assertThat(proxy.status()).isOne();
        assertThat(proxy.errors()).isEqualTo("tenon: the type '" + name + "' is PVE's own; choose another name\n");
    }

    @Test
    void aDoctorThatSkippedAStorageSaysSo(Scratch scratch) throws IOException {
        Path cfg = storage(scratch, "somebodys");
        TenonCommand doctor = run(scratch, cfg, "doctor");
        assertThat(doctor.status()).isOne();
        assertThat(doctor.errors()).contains("fast", "somebodys");
        assertThat(doctor.said()).isEqualTo("nothing is wrong; what was not examined is told above\n");
    }

    @Test
    void aTypeThatAnotherProgramServesIsFoundThroughTheDaemon(Scratch scratch) throws IOException {
        Path cfg = storage(scratch, "legacydir");
        TenonCommand before = run(scratch, cfg, "volume", "list", "fast");
        assertThat(before.status()).isOne();
        assertThat(before.errors()).contains("legacydir");

        DaemonProcess.start(scratch, Installation.legacyDirPlugin());
        isUsed(scratch, cfg);
        TenonCommand status = run(scratch, cfg, "storage", "status", "--json");
        assertThat(status.said()).contains("legacydir");
        assertThat(scratch.temporary()).isEmptyDirectory();
    }
}

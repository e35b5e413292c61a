package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/**
 * Plugins in Perl may be replaced by the storage in Java: what differs is explained, in a file of rules that comes with them.
 * With {@code -Dtenon.full=true} as many changes are made as the command makes by itself, and each rule explains something;
 * otherwise those alone that a sequence begins with, of which some rules explain nothing.
 */
class VerdictTest {
    private static final boolean IS_FULL = Boolean.getBoolean("tenon.full");
    private static final int FIRST = 27;
    private static final int ALL = 100;

    private final Scratch scratch;
    private final StorageCommands tenon;

    VerdictTest(Scratch scratch) throws IOException {
        this.scratch = scratch;
        tenon = StorageCommands.withDirectory(scratch, "nas");
        tenon.said("volume", "alloc", "nas", "--vmid", "100", "--size", "1M", "--format", "qcow2");
        tenon.said("volume", "alloc", "nas", "--vmid", "101", "--size", "2M", "--format", "raw");
        Path storage = scratch.storage();
        Path iso = Files.createDirectories(storage.resolve("template/iso"));
        Files.writeString(iso.resolve("tools.iso"), "not much");
        Path dump = Files.createDirectories(storage.resolve("dump"));
        Files.writeString(dump.resolve("vzdump-qemu-100-2024_02_29-10_11_12.vma"), "no archive");
    }

    private void isExplained(Path plugin, String rules, int steps) throws IOException {
        Path report = scratch.file("report");
        Path examples = Installation.perlShim().resolve("examples");
        TenonCommand compared = TenonCommand.run(
                scratch,
                tenon.all(
                        "compare",
                        "--old",
                        plugin.toString(),
                        "--new",
                        "dir",
                        "--storage",
                        "nas",
                        "--scratch",
                        scratch.file("s").toString(),
                        "--steps",
                        Integer.toString(steps),
                        "--rules",
                        examples.resolve(rules).toString(),
                        "--report",
                        report.toString()));

        assertThat(scratch.file("s")).isEmptyDirectory();
        Map<String, Object> said = JSON.std.mapFrom(Files.readString(report.resolve("report.json")));
        assertThat(said).as(compared.said()).containsEntry("unexplained", List.of());
        assertThat((List<?>) said.get("explained")).hasSizeGreaterThan(8);
        if (steps == ALL) {
            assertThat(said).containsEntry("stale", List.of());
            assertThat(compared.said()).contains("GO WITH EXCEPTIONS: What differs is explained by ");
            assertThat(compared.status()).as(compared.errors()).isZero();
        }
        assertThat(Files.readString(report.resolve("report.html"))).contains("allocImage", "What was asked");
    }

    @Test
    void theExampleMayBeReplacedByADirectoryInJava() throws IOException {
        isExplained(Installation.legacyDirPlugin(), "LegacyDirPlugin.rules.json", IS_FULL ? ALL : FIRST);
    }

    @Test
    @EnabledIfEnvironmentVariable(named = "TENON_PVE_LIB", matches = ".+", disabledReason = "needs PVE's own libraries")
    void pvesOwnDirectoryMayBeReplacedByADirectoryInJava() throws IOException {
        Path library = Objects.requireNonNull(Installation.pveLibrary());
        isExplained(library.resolve("PVE/Storage/DirPlugin.pm"), "DirPlugin.rules.json", IS_FULL ? ALL : FIRST);
    }
}

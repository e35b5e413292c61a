package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Host;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.FormatNames;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** API level 16 and its neighbours: hosts that come to it and go back, and levels that nobody knows yet. */
class NewestLevelTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final ByteSize SIZE = ByteSize.ofKib(64);
    private static final String HEAD = """
            package PVE::Storage::Custom::LevelPlugin;
            use strict;
            use warnings;
            use base qw(PVE::Storage::Plugin);
            sub type { return 'level' }
            sub plugindata { return { content => [{ images => 1 }, { images => 1 }], format => [{ raw => 1, qcow2 => 1 }, 'raw'] } }
            sub properties { return {} }
            sub options { return { path => { fixed => 1 } } }
            """;

    private static Path plugin(Scratch scratch, String more) throws IOException {
        return Files.writeString(scratch.file("LevelPlugin.pm"), HEAD + more + "1;\n");
    }

    private static VolumeName alloc(PerlStoragePlugin plugin, Storage storage, Format format, String name) {
        return plugin.allocImage(storage, GUEST, format, name, SIZE);
    }

    @Test
    void proxiesGoOnWhenTheirHostMovesToALevelAndBack(Scratch scratch) throws IOException {
        Path custom = Files.createDirectories(scratch.file("PVE/Storage/Custom"));
        Path state = Files.createDirectory(scratch.file("state"));
        Path adopted = Files.copy(Installation.legacyDirPlugin(), custom.resolve("LegacyDirPlugin.pm"));
        Path java = custom.resolve("TenonDir.pm");
        assertThat(TenonCommand.run(scratch, "proxy", "dir", "--output", java.toString())
                        .status())
                .isZero();
        TenonCommand adoption = TenonCommand.run(
                scratch,
                "adopt",
                "--state",
                state.toString(),
                "--socket",
                DaemonProcess.socketIn(scratch).toString(),
                adopted.toString());
        assertThat(adoption.status()).as(adoption.errors()).isZero();
        DaemonProcess.startWith(scratch, List.of("--adopted", state.toString()));

        int turn = 0;
        for (int level : new int[] {15, 16, 17, 15}) {
            turn++;
            String named = "vm-100-turn" + turn + ".raw";
            Map<String, Object> told = JSON.std.mapFrom(PerlProgram.start(
                            scratch,
                            List.of(),
                            Installation.resource("perl/host-of-level.pl"),
                            Integer.toString(level),
                            scratch.root().toString(),
                            java.toString(),
                            adopted.toString(),
                            "--",
                            named,
                            "vm-100-bare" + turn)
                    .json());

            Map<?, ?> ofJava = (Map<?, ?>) Objects.requireNonNull(told.get("tenondir"));
            Map<?, ?> ofPerl = (Map<?, ?>) Objects.requireNonNull(told.get("legacydir"));
            assertThat(List.of(number(ofJava, "api"), number(ofPerl, "api")))
                    .as("level %d", level)
                    .containsOnly(level);
            assertThat(List.of(number(ofJava, "active"), number(ofPerl, "active")))
                    .containsOnly(1);
            assertThat((List<?>) ofPerl.get("made")).first().isEqualTo("100/" + named);
            if (level < 16) {
                assertThat((List<?>) ofJava.get("made"))
                        .isEqualTo(List.of(
                                "100/" + named, "died: unable to parse volume filename 'vm-100-bare" + turn + "'\n"));
                assertThat((List<?>) ofJava.get("warnings")).isEmpty();
            } else {
                assertThat((List<?>) ofJava.get("made"))
                        .isEqualTo(List.of("100/" + named, "100/vm-100-bare" + turn + ".raw"));
                assertThat((List<?>) ofJava.get("warnings"))
                        .isEqualTo(List.of("volume name 'vm-100-bare" + turn
                                + "' is missing the '.raw' extension - allocating 'vm-100-bare" + turn + ".raw'\n"));
            }
            assertThat(ofJava.get("teleport")).isEqualTo(level == 17 ? "the base class knows" : null);
        }
    }

    private static int number(Map<?, ?> told, String key) {
        return Integer.parseInt(String.valueOf(told.get(key)));
    }

    @Test
    void aPluginOfALevelThatNobodyKnowsIsHostedAsOneOfTheNewestWithOneWarning(Scratch scratch) throws IOException {
        SidecarHost host = SidecarHost.start(scratch, plugin(scratch, """
                        sub api { return 17 }
                        sub status { my ($class, $storeid, $scfg, $cache) = @_; return (3, 2, 1, 1) }
                        sub check_connection { return scalar(@_) == 3 }
                        """));

        assertThat(host.plugin().description().level()).isEqualTo(16);
        assertThat(host.plugin().status(host.storage(), OperationCache.create()))
                .isInstanceOf(StorageStatus.Active.class);
        assertThat(host.plugin().checkConnection(host.storage())).isTrue();
        assertThat(host.log())
                .filteredOn(line -> line.contains("newer than this Tenon knows"))
                .singleElement()
                .asString()
                .contains("implements API version 17", "it is hosted as one of 16, which its signatures fit");
    }

    @Test
    void aSubOfAnOldPluginThatIsCalledSoByAccidentIsNotCalled(Scratch scratch) throws IOException {
        SidecarHost host = SidecarHost.start(scratch, plugin(scratch, """
                sub api { return 12 }
                sub FORMAT_EXTENSION { die "not this one\\n" }
                sub is_valid_format { die "not this one\\n" }
                sub get_parsed_format { die "not this one\\n" }
                sub volname_with_format { die "not this one\\n" }
                sub volname_for_format { die "not this one\\n" }
                """));

        assertThat(host.plugin().description().overrides()).doesNotContain("volname_for_format", "get_parsed_format");
        assertThat(host.plugin().nameForFormat("vm-100-disk-0.raw", Format.Image.RAW, true))
                .isEqualTo("vm-100-disk-0.raw");
        assertThat(alloc(host.plugin(), host.storage(), Format.Image.RAW, "vm-100-disk-0.raw"))
                .hasToString("100/vm-100-disk-0.raw");
    }

    @Test
    void thePluginsOwnNamesDecideAndTheNameThatComesBackCounts(Scratch scratch) throws IOException {
        Assumptions.assumeTrue(Installation.pveLibrary() == null, "PVE's own base class here is of level 15");
        SidecarHost host = SidecarHost.start(scratch, plugin(scratch, """
                sub api { return 16 }
                sub volname_for_format {
                    my ($class, $name, $format, $strict) = @_;
                    return $class->SUPER::volname_for_format($name =~ s/^iso-/vm-100-/r, $format, $strict);
                }
                """));

        assertThat(alloc(host.plugin(), host.storage(), Format.Image.QCOW2, "iso-cloudinit"))
                .hasToString("100/vm-100-cloudinit.qcow2");
        assertThat(host.plugin()
                        .renameVolume(
                                host.storage(),
                                new VolumeName("100/vm-100-cloudinit.qcow2"),
                                GUEST,
                                new VolumeName("iso-state")))
                .hasToString("nas:100/vm-100-state.qcow2");
    }

    @Test
    void aPluginOfTheNewestLevelFindsTheSixMethodsOnAnOlderHost(Scratch scratch) throws IOException {
        PerlStoragePlugin plugin =
                SidecarHost.start(scratch, plugin(scratch, """
                        sub api { return 16 }
                        use constant FORMAT_EXTENSION => { PVE::Storage::Plugin->FORMAT_EXTENSION->%*, dax => '' };
                        sub get_parsed_format {
                            my ($class, $name) = @_;
                            return $name =~ m/^dax-/ ? 'dax' : $class->SUPER::get_parsed_format($name);
                        }
                        """)).plugin();
        Format dax = new Format.Other("dax");

        assertThat(plugin.isValidFormat(dax)).isTrue();
        assertThat(plugin.formatExtension(Format.Image.QCOW2)).contains("qcow2");
        assertThat(plugin.parsedFormat("dax-1.raw")).contains(dax);
        assertThat(plugin.nameForFormat("dax-1", dax, true)).isEqualTo("dax-1");
        assertThat(plugin.nameForFormat("vm-100-cloudinit", Format.Image.QCOW2, false))
                .isEqualTo("vm-100-cloudinit.qcow2");
    }

    @Test
    void javaAndPerlMakeTheSameOfTenThousandNames(Scratch scratch) {
        Map<String, FormatNames> types = Map.of(
                "Plugin", FormatNames.FILES,
                "LVMPlugin", FormatNames.LVM,
                "LvmThinPlugin", FormatNames.LVM_THIN,
                "RBDPlugin", FormatNames.RBD,
                "ZFSPoolPlugin", FormatNames.ZFS_POOL,
                "ZFSPlugin", FormatNames.ZFS);
        List<Format.Image> formats = List.of(Format.Image.values());
        List<String> classes = types.keySet().stream().sorted().toList();
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(16);
        PerlProgram perl = PerlProgram.start(scratch, List.of(), Installation.resource("perl/names-for-formats.pl"));

        List<String> differences = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            String type = classes.get(random.nextInt(classes.size()));
            String name = name(random);
            Format.Image format = formats.get(random.nextInt(formats.size()));
            boolean isStrict = random.nextBoolean();
            perl.say(String.join("\t", type, name, format.word(), isStrict ? "1" : "0"));
            String java = made(Objects.requireNonNull(types.get(type)), name, format, isStrict);
            String said = perl.line();
            // LVM's own words for a name of one character came after the release whose classes are at hand.
            boolean isOlder = Installation.pveLibrary() != null && java.contains("can't be shorter than 2 characters");
            if (!said.equals(java) && !(isOlder && said.contains("contains illegal characters"))) {
                differences.add(type + " " + name + " " + format.word() + ": Java " + java + ", Perl " + said);
            }
        }
        perl.say(".");
        assertThat(differences).isEmpty();
    }

    private static String made(FormatNames names, String name, Format format, boolean isStrict) {
        try {
            return "=" + new Host(true, warning -> {}, null).call(() -> names.fitting(name, format, isStrict));
        } catch (StorageException e) {
            return "!" + e.getMessage();
        }
    }

    /** Mostly what looks like a name of some type. */
    private static String name(RandomGenerator random) {
        return Stream.of(
                        List.of("vm-", "vm-", "base-", "subvol-", "basevol-", "snap-vm-", "", "../", "base-9-x/vm-"),
                        List.of("100", "7", "", "x"),
                        List.of(
                                "-disk-0",
                                "-cloudinit",
                                "-disk-1.backup",
                                "-",
                                "",
                                "-\u00c4",
                                "-disk 0",
                                "-a.b",
                                "-\u0665"),
                        List.of("", "", ".raw", ".qcow2", ".vmdk", ".subvol", ".vhdx", ".", "..raw", ".r/w", "."))
                .map(parts -> parts.get(random.nextInt(parts.size())))
                .reduce("", String::concat);
    }
}

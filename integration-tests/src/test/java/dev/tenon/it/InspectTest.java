package dev.tenon.it;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the command tells about plugin files, with the processes that it starts for them. */
class InspectTest {
    private static final String API = "sub api { return PVE::Storage::APIVER }\n";
    private static final String END = "1;\n";

    private record Ended(int status, String said, String errors) {
        Told told() throws IOException {
            return new Told(JSON.std.mapFrom(said));
        }
    }

    /** An object of the JSON. */
    private record Told(Map<String, Object> json) {
        @Nullable
        Object get(String key) {
            return json.get(key);
        }

        @SuppressWarnings("unchecked")
        Map<String, @Nullable Object> host(int level) {
            Map<?, ?> hosts = (Map<?, ?>) requireNonNull(json.get("hosts"));
            return (Map<String, @Nullable Object>) requireNonNull(hosts.get(Integer.toString(level)));
        }

        List<String> list(String key) {
            List<?> list = (List<?>) requireNonNull(json.get(key));
            return list.stream().map(String::valueOf).toList();
        }

        List<String> methods() {
            return list("methods");
        }

        String verdict(int level) {
            return String.valueOf(host(level).get("verdict"));
        }

        String reason(int level) {
            return String.valueOf(host(level).get("reason"));
        }

        List<String> verdicts() {
            return IntStream.rangeClosed(9, 16).mapToObj(this::verdict).toList();
        }

        List<String> problems() {
            return list("problems");
        }
    }

    private static Ended inspect(Scratch scratch, Object... arguments) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of("inspect"));
        Arrays.stream(arguments).map(Object::toString).forEach(words::add);
        TenonCommand command = TenonCommand.run(scratch, words.toArray(String[]::new));
        return new Ended(command.status(), command.said(), command.errors());
    }

    private static Told told(Scratch scratch, Object... arguments) throws IOException, InterruptedException {
        List<Object> all = new ArrayList<>(List.of("--json"));
        all.addAll(List.of(arguments));
        Ended ended = inspect(scratch, all.toArray());
        assertThat(ended.errors()).isEmpty();
        return ended.told();
    }

    /** A plugin of this name and type with one property, which its options use. */
    private static Path plugin(Scratch scratch, String name, String type, String property, String more)
            throws IOException {
        String text = "package PVE::Storage::Custom::" + name + ";\nuse base qw(PVE::Storage::Plugin);\n"
                + "sub type { return '" + type + "' }\n"
                + "sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }\n"
                + "sub properties { return { '" + property + "' => { type => 'string' } } }\n"
                + "sub options { return { path => { fixed => 1 }, '" + property + "' => { optional => 1 } } }\n";
        return Files.writeString(scratch.file(name + ".pm"), text + more);
    }

    private static Path plugin(Scratch scratch, String more) throws IOException {
        return plugin(scratch, "NasPlugin", "nas", "nas-server", more);
    }

    @Test
    void theExampleLoadsWhereItsOptionsAreKnown(Scratch scratch) throws IOException, InterruptedException {
        Ended ended = inspect(scratch, "--json", Installation.legacyDirPlugin());

        assertThat(ended.errors()).isEmpty();
        assertThat(ended.status()).isZero();
        Told told = ended.told();
        assertThat(told.json().keySet().stream().limit(7))
                .containsExactly("type", "api", "methods", "properties", "missing", "problems", "hosts");
        assertThat(told.get("type")).isEqualTo("legacydir");
        assertThat(told.get("api")).isEqualTo(16);
        assertThat(told.get("strategy")).isEqualTo(Map.of("kind", "mirror", "oldest", 9, "newest", 16));
        assertThat(told.get("properties")).isEqualTo(List.of("legacydir-quiet"));
        assertThat(told.methods())
                .contains("list_images", "alloc_image", "status")
                .doesNotContain("list_volumes", "activate_storage");
        assertThat(told.problems()).isEmpty();
        assertThat(told.verdicts())
                .containsExactly("rejected", "loads", "loads", "loads", "loads", "loads", "loads", "loads");
        assertThat(told.reason(9))
                .isEqualTo("keeps PVE from starting: its options use the properties 'content-dirs',"
                        + " 'create-base-path', 'create-subdirs', which nothing declares");
        assertThat(told.host(10)).containsEntry("reason", null);
    }

    @Test
    void aFixedVersionIsWarnedAboutOnNewerHosts(Scratch scratch) throws IOException, InterruptedException {
        Ended ended = inspect(scratch, "--json", plugin(scratch, "sub api { return 10 }\n" + END));

        assertThat(ended.status()).as("one that warns is loaded").isZero();
        Told told = ended.told();
        assertThat(told.get("strategy")).isEqualTo(Map.of("kind", "fixed", "version", 10));
        assertThat(told.verdicts())
                .containsExactly("rejected", "loads", "warns", "warns", "warns", "warns", "warns", "warns");
        assertThat(told.reason(9)).isEqualTo("implements API version 10, newer than the host's, 9");
        assertThat(told.reason(11))
                .isEqualTo("implements API version 10, and PVE warns that this is older than its own, 11");
    }

    @Test
    void aVersionThatFollowsTheHostIsFollowed(Scratch scratch) throws IOException, InterruptedException {
        String api = "sub api { my $host = PVE::Storage::APIVER; return $host > 12 ? 12 : $host }\n";
        Told told = told(scratch, plugin(scratch, api + END));

        assertThat(told.get("strategy")).isEqualTo(Map.of("kind", "mirror", "oldest", 9, "newest", 12));
        assertThat(told.verdicts())
                .containsExactly("loads", "loads", "loads", "loads", "warns", "warns", "warns", "warns");
    }

    @Test
    void aVersionThatNoHostTakesIsRejectedEverywhere(Scratch scratch) throws IOException, InterruptedException {
        Map<String, String> reasons = Map.of(
                "", "does not provide an api() method",
                "sub api { return 1 }\n", "implements API version 1, older than the oldest that the host takes, 9");
        for (Map.Entry<String, String> reason : reasons.entrySet()) {
            Told told = told(scratch, plugin(scratch, reason.getKey() + END));
            assertThat(told.verdicts()).containsOnly("rejected");
            assertThat(told.reason(16)).isEqualTo(reason.getValue());
            assertThat(told.get("type")).isEqualTo("nas");
        }
    }

    @Test
    void aVersionThatCameAfterThisReleaseIsToldApart(Scratch scratch) throws IOException, InterruptedException {
        String api = "sub api { return 17 }\n";
        Ended fits = inspect(scratch, "--json", plugin(scratch, api + END));
        assertThat(fits.status()).isOne();
        assertThat(fits.told().verdict(17)).isEqualTo("unknown");
        assertThat(fits.told().problems())
                .contains("It implements API version 17, newer than this Tenon knows; it is hosted as one of 16, with a"
                        + " warning: its signatures fit.");

        Told other = told(
                scratch,
                plugin(
                        scratch,
                        api + "sub status { my ($class, $storeid, $scfg, $cache, $timeout) = @_; return }\n" + END));
        assertThat(other.reason(17))
                .isEqualTo("implements API version 17, newer than this Tenon knows; it is not hosted: status unpacks 4"
                        + " parameters beside the class, and level 16 has 3");
    }

    @Test
    void whatAPveHasThatIsNotKnownIsTold(Scratch scratch) throws IOException, InterruptedException {
        Path directory = Files.createDirectories(scratch.file("pve/PVE/Storage"));
        Files.writeString(
                directory.resolveSibling("Storage.pm"), "use constant APIVER => 17;\nuse constant APIAGE => 8;\n");
        Files.writeString(directory.resolve("Plugin.pm"), """
                package PVE::Storage::Plugin;
                sub copy_image_start { my ($class, $scfg, $storeid, $volname) = @_; }
                sub status { my ($class, $storeid, $scfg, $cache, $timeout) = @_; }
                1;
                """);
        Ended ended = inspect(scratch, "--host", "--pve-lib", scratch.file("pve"));

        assertThat(ended.status()).isOne();
        assertThat(ended.errors()).isEmpty();
        assertThat(ended.said())
                .contains(
                        "api         17, and 8 versions before it (known are 9 to 16)",
                        "unknown     method copy_image_start(scfg, storeid, volname)",
                        "changed     status unpacks 4 parameters beside the class, and level 16 has 3",
                        "types       nothing");
    }

    @Test
    void aFileThatDoesNotCompileIsToldAbout(Scratch scratch) throws IOException, InterruptedException {
        Told told = told(scratch, plugin(scratch, API + "sub status { if (1 }\n" + END));

        assertThat(told.verdicts()).containsOnly("rejected");
        assertThat(told.reason(9)).startsWith("does not compile: syntax error at ");
        assertThat(told.get("type")).isEqualTo("nas");
        assertThat(told.get("package")).isEqualTo("PVE::Storage::Custom::NasPlugin");
        assertThat(told.methods()).contains("api", "status");
    }

    @Test
    void aMissingModuleHasItsPackageNamed(Scratch scratch) throws IOException, InterruptedException {
        Path file = plugin(scratch, "use JSON::XS::Nonexistent;\nuse Tenon::No::Such;\n" + API + END);
        Told told = told(scratch, file);

        assertThat(told.get("missing"))
                .isEqualTo(List.of(
                        Map.of("module", "JSON::XS::Nonexistent", "package", "libjson-xs-perl"),
                        Map.of("module", "Tenon::No::Such", "package", "libtenon-no-such-perl")));
        assertThat(told.problems())
                .contains(
                        "The module JSON::XS::Nonexistent is missing; install the Debian package libjson-xs-perl.",
                        "The module Tenon::No::Such is missing; if Debian has it, it is in libtenon-no-such-perl.");
        assertThat(told.verdicts()).containsOnly("rejected");
        assertThat(told.get("properties")).isEqualTo(List.of("nas-server"));
    }

    @Test
    void aModuleOfThePluginsOwnIsFoundWhereItIs(Scratch scratch) throws IOException, InterruptedException {
        Path libraries = scratch.file("lib");
        Files.createDirectories(libraries.resolve("Nas"));
        Files.writeString(libraries.resolve("Nas/Client.pm"), "package Nas::Client;\n1;\n");
        Path file = plugin(scratch, "use Nas::Client;\n" + API + END);

        assertThat(told(scratch, file).verdict(16)).isEqualTo("rejected");
        assertThat(told(scratch, "--lib", libraries, file).verdict(16)).isEqualTo("loads");
    }

    @Test
    void aPropertyOfPvesOwnWouldEndItsStart(Scratch scratch) throws IOException, InterruptedException {
        Told told = told(scratch, plugin(scratch, "NasPlugin", "nas", "password", API + END));

        assertThat(told.verdicts()).containsOnly("rejected");
        assertThat(told.reason(12))
                .isEqualTo("keeps PVE from starting: it declares the property 'password', as PVE does");
        assertThat(told.problems()).contains("It declares the property 'password', which PVE declares too.");
    }

    @Test
    void anOptionThatNothingDeclaresWouldEndItsStart(Scratch scratch) throws IOException, InterruptedException {
        Told told = told(scratch, plugin(scratch, "sub options { return { frobnication => {} } }\n" + API + END));

        assertThat(told.verdicts()).containsOnly("rejected");
        assertThat(told.problems()).contains("Its options use what neither it nor PVE declares: frobnication.");
    }

    @Test
    void aFunctionThatNeverWasIsTold(Scratch scratch) throws IOException, InterruptedException {
        String status = "sub status { PVE::Tools::run_comand(['df']); PVE::Tools::run_command(['df']) }\n";
        Told told = told(scratch, plugin(scratch, API + status + END));

        assertThat(told.problems())
                .containsExactly(
                        "It calls PVE::Tools::run_comand, which no release of PVE has (line 8).",
                        "Its api() is the version of the host, whatever that is, which says nothing about what it was"
                                + " written for.");
        assertThat(told.verdict(16)).isEqualTo("loads");
    }

    @Test
    void twoFilesThatCannotLiveTogetherAreToldSo(Scratch scratch) throws IOException, InterruptedException {
        Path nas = plugin(scratch, "NasPlugin", "nas", "debug", API + END);
        Path san = plugin(scratch, "SanPlugin", "san", "debug", API + END);
        Path lone = plugin(scratch, "LonePlugin", "lone", "lone-server", API + END);

        Ended ended = inspect(scratch, "--json", nas, san, lone);

        assertThat(ended.status()).isOne();
        List<Told> all = JSON.std.listOfFrom(Object.class, ended.said()).stream()
                .map(InspectTest::told)
                .toList();
        assertThat(all).extracting(told -> told.get("type")).containsExactly("nas", "san", "lone");
        assertThat(all).extracting(told -> told.verdict(16)).containsExactly("rejected", "rejected", "loads");
        assertThat(all.getFirst().problems())
                .contains("It declares the property 'debug', which " + san + " declares too.");
        assertThat(all.get(1).reason(9))
                .isEqualTo("keeps PVE from starting: NasPlugin.pm declares the property 'debug' too");
    }

    @SuppressWarnings("unchecked")
    private static Told told(Object json) {
        return new Told((Map<String, Object>) json);
    }

    @Test
    void twoFilesOfOneTypeAreToldSo(Scratch scratch) throws IOException, InterruptedException {
        Path nas = plugin(scratch, "NasPlugin", "nas", "nas-server", API + END);
        Path san = plugin(scratch, "SanPlugin", "nas", "san-server", API + END);

        Ended ended = inspect(scratch, nas, san);

        assertThat(ended.status()).isOne();
        assertThat(ended.said().replaceAll("\\s+", " "))
                .contains("9-16 rejected it is of type 'nas', as SanPlugin.pm is, and PVE takes only one of them");
    }

    @Test
    void aFileMayBorrowAPropertyOfItsNeighbour(Scratch scratch) throws IOException, InterruptedException {
        Path nas = plugin(scratch, "NasPlugin", "nas", "nas-server", API + END);
        Path san =
                plugin(scratch, "SanPlugin", "san", "x", "sub options { return { 'nas-server' => {} } }\n" + API + END);

        assertThat(inspect(scratch, san).status()).isOne();
        assertThat(inspect(scratch, nas, san).status()).isZero();
    }

    @Test
    void aFamilyThatAgreesOnWhoDeclaresWhatDoesNotCollide(Scratch scratch) throws IOException, InterruptedException {
        String family = """
                sub properties {
                    my ($class) = @_;
                    $PVE::Storage::Custom::Family::OWNER //= $class;
                    return $PVE::Storage::Custom::Family::OWNER eq $class ? { 'family-server' => {} } : {};
                }
                sub options { return { 'family-server' => {} } }
                """;
        Path nas = plugin(scratch, "NasPlugin", "nas", "x", family + API + END);
        Path san = plugin(scratch, "SanPlugin", "san", "x", family + API + END);

        Ended ended = inspect(scratch, nas, san);

        assertThat(ended.said()).doesNotContain("too");
        assertThat(ended.status()).isZero();
    }

    @Test
    void whatAPluginPrintsIsNotPrinted(Scratch scratch) throws IOException, InterruptedException {
        Path file = plugin(scratch, API + "print qq({}\\n) x 100_000; warn qq(careful\\n);\n" + END);
        Ended ended = inspect(scratch, "--json", file);

        assertThat(ended.errors()).isEmpty();
        assertThat(ended.status()).isZero();
        assertThat(ended.told().problems())
                .contains("It prints while it is loaded: '{}'.", "It warns while it is loaded: 'careful'.");
    }

    @Test
    void aPluginThatIsNeverLoadedIsNotWaitedFor(Scratch scratch) throws IOException, InterruptedException {
        Path pids = scratch.file("pids");
        Path file = plugin(
                scratch,
                API + "$SIG{TERM} = 'IGNORE';\nopen(my $fh, '>>', '" + pids + "');\nsyswrite($fh, qq($$\\n));\n"
                        + "sleep(1) while 1;\n" + END);
        int limit = Installation.pveLibrary() == null ? 10 : 30; // PVE's own modules take their time
        Told told = told(scratch, "--deadline", limit, file);

        assertThat(told.verdicts()).containsOnly("rejected");
        assertThat(told.reason(16)).isEqualTo("did not come to an end within " + limit + " s while it was compiled");
        assertThat(told.get("type")).isEqualTo("nas");
        assertThat(Files.readAllLines(pids))
                .hasSize(8)
                .allSatisfy(
                        pid -> assertThat(ProcessHandle.of(Long.parseLong(pid))).isEmpty());
    }

    @Test
    void peopleGetAnAlignedReport(Scratch scratch) throws IOException, InterruptedException {
        Path file = plugin(scratch, "sub api { return 10 }\n" + END);
        Ended ended = inspect(scratch, file);

        assertThat(ended.said().lines())
                .startsWith(
                        file.toString(),
                        "  package     PVE::Storage::Custom::NasPlugin",
                        "  type        nas",
                        "  api         10 (on every host)",
                        "  methods     api type plugindata properties options",
                        "  properties  nas-server",
                        "  options     nas-server path",
                        "  content     images (default: images)",
                        "  formats     unknown")
                .contains(
                        "  hosts       9      rejected  it implements API version 10, newer than the host's, 9",
                        "              10     loads")
                .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(110));
    }

    @Test
    void wrongUsageIsToldApart(Scratch scratch) throws IOException, InterruptedException {
        Path none = scratch.file("None.pm");
        Ended ended = inspect(scratch, none);
        assertThat(ended.status()).isEqualTo(2);
        assertThat(ended.errors()).startsWith("tenon: the plugin file '" + none + "' does not exist\n");
        assertThat(inspect(scratch).status()).isEqualTo(2);
        Ended help = inspect(scratch, "--help");
        assertThat(help.status()).isZero();
        assertThat(help.said()).contains("Example: tenon inspect", "Exit status: 0");
    }

    @Test
    void aFileThatIsNoPerlIsToldAbout(Scratch scratch) throws IOException, InterruptedException {
        Told told = told(scratch, "/etc/passwd");
        assertThat(told.verdicts()).containsOnly("rejected");
        assertThat(told.reason(16)).isEqualTo("declares no package");
    }
}

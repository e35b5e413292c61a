package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.bridge.serve.ProxyClass;
import dev.tenon.bridge.serve.Registration;
import dev.tenon.cli.inspect.Registrations;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** PVE knows of an adopted plugin what it knew before. */
class AdoptedRegistrationTest {
    /** What a plugin may do when it is loaded, each with what shows it. */
    private static final List<Map.Entry<String, List<String>>> DEEDS = List.of(
            Map.entry("push @PVE::Storage::Plugin::SHARED_STORAGE, 'generated';", List.of()),
            Map.entry("""
                    PVE::JSONSchema::register_format('generated-code', sub {
                        my ($value, $noerr) = @_;
                        return $value if $value =~ m/\\Ag/;
                        return undef if $noerr;
                        die "no g in '$value'\\n";
                    });
                    """, List.of("format:generated-code:good", "format:generated-code:bad")),
            Map.entry(
                    """
                    PVE::JSONSchema::register_format('generated-schema', {
                        size => { type => 'integer', minimum => 2, default_key => 1 },
                        mode => { type => 'string', enum => ['a', 'b'], optional => 1 },
                    });
                    """,
                    List.of(
                            "format:generated-schema:5,mode=a",
                            "format:generated-schema:1",
                            "format:generated-schema:x")),
            Map.entry("""
                    PVE::JSONSchema::register_standard_option('generated-option', {
                        type => 'number', default => 1.5, description => 'gr\\x{fc}n \\x{20ac}', optional => 1,
                    });
                    """, List.of("option:generated-option")),
            Map.entry("""
                    use base 'Exporter';
                    our @EXPORT = qw(generated_twice);
                    our @EXPORT_OK = qw(generated_name &generated_twice);
                    sub generated_twice { return ($_[0], $_[0]) }
                    sub generated_name { return __PACKAGE__->type . "/$_[0]" }
                    """, List.of("function:generated_twice:x", "function:generated_name:y")));

    /** Properties whose type PVE or a form may look at. */
    private static final String PROPERTIES = """
            generated_number => { type => 'integer', minimum => 0, maximum => 10, default => 7 },
            generated_word => { type => 'string', default => '7', pattern => '\\d+', description => "a\\nb '\\"\\$x\\@y\\\\" },
            generated_flag => { type => 'boolean', default => undef },
            generated_text => { type => 'string', enum => ['__TYPE__', "\\x{e9}"], default => '' },
            """;

    private static Stream<List<Integer>> variants() {
        return Stream.concat(
                Stream.of(List.of()),
                Stream.concat(
                        IntStream.range(0, DEEDS.size()).mapToObj(List::of),
                        Stream.of(List.of(0, 1, 2, 3, 4), List.of(1, 3), List.of(0, 4))));
    }

    private static String plugin(String deeds) {
        return """
                package PVE::Storage::Custom::GeneratedPlugin;

                use strict;
                use warnings;

                use PVE::JSONSchema;
                use PVE::Storage::Plugin;
                use base 'PVE::Storage::Plugin';

                DEEDS
                sub api { return 13 }
                sub type { return 'generated' }

                sub plugindata {
                    return {
                        content => [{ images => 1, rootdir => 1, none => 1 }, { images => 1 }],
                        format => [{ raw => 1, qcow2 => 1 }, 'raw'],
                        'sensitive-properties' => { generated_secret => 1 },
                        shared => 1,
                        weight => 2.5,
                    };
                }

                sub properties {
                    return { PROPERTIES };
                }

                sub options {
                    return {
                        path => { fixed => 1 },
                        content => { optional => 1 },
                        generated_number => { optional => 1, fixed => 0 },
                        generated_word => {},
                    };
                }

                sub status { return (4, 3, 1, 1) }

                1;
                """.replace("DEEDS", deeds).replace("PROPERTIES", PROPERTIES.strip());
    }

    private static Path installed(Scratch scratch, String source) throws IOException {
        return Files.writeString(Files.createDirectories(scratch.file("custom")).resolve("GeneratedPlugin.pm"), source);
    }

    @ParameterizedTest(name = "deeds {0}")
    @MethodSource("variants")
    void whatAPluginDoesWhenItIsLoadedItsProxyDoes(List<Integer> deeds, Scratch scratch) throws IOException {
        StringBuilder source = new StringBuilder();
        List<String> tries = new ArrayList<>();
        for (int deed : deeds) {
            source.append(DEEDS.get(deed).getKey());
            tries.addAll(DEEDS.get(deed).getValue());
        }
        Path file = installed(scratch, plugin(source.toString()));
        Map<String, Object> before = registered(scratch, file, tries);
        assertThat(before.get("init")).isEqualTo("good");

        Path kept = Files.copy(file, scratch.file("kept.pm"));
        Registration registration = Registrations.of(Installation.perlShim(), file, Installation.pveLibrary());
        ProxyClass proxy = ProxyClass.ofPerl(
                "GeneratedPlugin",
                "generated",
                registration,
                List.of("api", "type", "plugindata", "properties", "options", "status"),
                kept,
                Installation.perlShim().resolve("lib"),
                DaemonProcess.socketIn(scratch));
        Files.writeString(file, proxy.source());
        Map<String, Object> after = registered(scratch, file, tries);

        // A proxy is of the host's level, whatever that is, so that PVE warns of no age.
        before.remove("api");
        after.remove("api");
        assertThat(after.keySet()).isEqualTo(before.keySet());
        before.forEach((what, value) -> assertThat(after.get(what)).as(what).isEqualTo(value));
    }

    private static Map<String, Object> registered(Scratch scratch, Path file, List<String> tries) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(file.toString()));
        arguments.addAll(tries);
        PerlProgram program = PerlProgram.run(
                scratch, List.of(), Installation.resource("perl/registered.pl"), arguments.toArray(String[]::new));
        assertThat(program.errors()).isEmpty();
        return new TreeMap<>(JSON.std.mapFrom(program.said()));
    }

    private static Stream<List<String>> cannotBeCarried() {
        return Stream.of(
                List.of("*PVE::Storage::path = sub { return '/' };", "the function PVE::Storage::path"),
                List.of(
                        "{ no strict 'refs'; *{'PVE::Storage::' . 'vdisk_free'} = sub { 1 }; }",
                        "PVE::Storage::vdisk_free"),
                List.of("sub PVE::Storage::Plugin::new_word { return 1 }", "PVE::Storage::Plugin::new_word"),
                List.of(
                        "$PVE::Storage::Plugin::MAX_VOLUMES_PER_GUEST = 7;",
                        "$PVE::Storage::Plugin::MAX_VOLUMES_PER_GUEST"),
                List.of("$PVE::Storage::new_variable = 7;", "$PVE::Storage::new_variable"),
                List.of(
                        "@PVE::Storage::Plugin::SHARED_STORAGE = ('generated');",
                        "@PVE::Storage::Plugin::SHARED_STORAGE"),
                List.of("shift @PVE::Storage::Plugin::SHARED_STORAGE;", "@PVE::Storage::Plugin::SHARED_STORAGE"),
                List.of(
                        "PVE::JSONSchema::register_standard_option('g', { default => sub { 1 } });",
                        "the standard option 'g'->{default} is code"),
                List.of(
                        "use base 'Exporter'; our @EXPORT_OK = ('$generated'); our $generated = 1;",
                        "exports the variable $generated"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cannotBeCarried")
    void whatNoProxyCanDoIsRefusedWithTheLineThatDoesIt(List<String> row, Scratch scratch) throws IOException {
        String source = plugin("\n" + row.get(0) + "\n");
        Path file = installed(scratch, source);
        int line = source.lines().toList().indexOf(row.get(0)) + 1;

        assertThatThrownBy(() -> Registrations.of(Installation.perlShim(), file, Installation.pveLibrary()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(
                        "'" + file + "' cannot be adopted; nothing was done: line " + line + " of '" + file + "' ")
                .hasMessageContaining(row.get(1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"PVE::Storage::GeneratedPlugin", "PVE::Storage::Custom::OtherPlugin", "Generated"})
    void aClassThatPveDoesNotLoadFromThereIsRefused(String name, Scratch scratch) throws IOException {
        Path file = installed(scratch, plugin("").replace("PVE::Storage::Custom::GeneratedPlugin", name));
        assertThatThrownBy(() -> Registrations.of(Installation.perlShim(), file, Installation.pveLibrary()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("its class is " + name);
    }

    @Test
    void aRefusedPluginStaysWhereItIs(Scratch scratch) throws IOException {
        String source = plugin("*PVE::Storage::path = sub { return '/' };\n");
        Path file = installed(scratch, source);
        TenonCommand refused = TenonCommand.run(
                scratch, "adopt", "--state", scratch.file("adopted").toString(), file.toString());

        assertThat(refused.status()).isOne();
        assertThat(refused.errors()).contains("changes the function PVE::Storage::path");
        assertThat(Files.readString(file)).isEqualTo(source);
        assertThat(scratch.file("adopted")).doesNotExist();
    }

    @Test
    void theListOfStoragesSaysWhatIsShared(Scratch scratch) throws IOException {
        Path file = installed(scratch, plugin(DEEDS.getFirst().getKey()));
        Path cfg = Files.writeString(scratch.file("storage.cfg"), "generated: nas\n\tpath /srv\n\tgenerated_word 5\n");
        TenonCommand list = TenonCommand.run(
                scratch, "storage", "list", "--json", "--config", cfg.toString(), "--plugin", file.toString());

        assertThat(list.errors()).isEmpty();
        List<Object> storages = JSON.std.listFrom(list.said());
        assertThat(storages.stream()
                        .map(storage -> (Map<?, ?>) storage)
                        .map(storage -> storage.get("storage") + " " + storage.get("shared")))
                .contains("nas true");
    }
}

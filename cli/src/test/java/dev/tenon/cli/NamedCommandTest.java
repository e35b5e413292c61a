package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class NamedCommandTest {
    private final StringWriter errors = new StringWriter();

    private final Surroundings surroundings = new Surroundings(
            new DataStreams.Nothing(), new PrintWriter(new StringWriter()), new PrintWriter(errors), null, Map.of());

    private final CommandLine all = Tenon.commandLine(surroundings);

    private Optional<CommandLine> named(String words) {
        return NamedCommand.of((Tenon) all.getCommand(), words.split(" ", -1));
    }

    private static Stream<CommandLine> leaves(CommandLine line) {
        return line.getSubcommands().isEmpty()
                ? Stream.of(line)
                : line.getSubcommands().values().stream().flatMap(NamedCommandTest::leaves);
    }

    private static String name(CommandLine line) {
        return line.getCommandSpec().qualifiedName().substring("tenon ".length());
    }

    @Test
    void everyCommandIsFoundByItsWordsAlone() {
        List<String> others = leaves(all)
                .map(NamedCommandTest::name)
                .filter(words -> named(words).isEmpty())
                .toList();

        assertThat(others)
                .containsExactlyInAnyOrder(
                        "backup copy",
                        "backup export",
                        "backup gc",
                        "backup import",
                        "backup prune",
                        "completion",
                        "help");
    }

    @Test
    void itTakesWhatItTakesAmongAllOthers() {
        leaves(all)
                .forEach(full -> named(name(full))
                        .map(line -> leaves(line).findFirst().orElseThrow())
                        .ifPresent(leaf -> {
                            assertThat(name(leaf)).isEqualTo(name(full));
                            assertThat(leaf.getCommandSpec().optionsMap().keySet())
                                    .isEqualTo(
                                            full.getCommandSpec().optionsMap().keySet());
                            assertThat(leaf.getCommandSpec().positionalParameters())
                                    .hasSameSizeAs(full.getCommandSpec().positionalParameters());
                            assertThat(leaf.getCommand().getClass())
                                    .isEqualTo(full.getCommand().getClass());
                        }));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"--config a volume list", "volume", "volume --config a list", "lst", "volume lst", "--help"})
    void otherWordsAreLeftToWhoKnowsAllCommands(String words) {
        assertThat(named(words)).isEmpty();
    }

    @Test
    void aWrongWordIsToldOnce() {
        assertThat(Tenon.run(surroundings, "volume", "list", "--vimd=7")).isEqualTo(ExitStatus.WRONG_USAGE);
        assertThat(errors.toString())
                .isEqualTo("tenon: Unknown option: '--vimd'; did you mean --vmid?\nsee: tenon volume list --help\n");
    }

    /** It is found out by the command, which must not be begun again. */
    @Test
    void whatTheCommandRefusesIsToldOnce() {
        assertThat(Tenon.run(surroundings, "doctor", "--forget")).isEqualTo(ExitStatus.WRONG_USAGE);
        assertThat(errors.toString())
                .startsWith("tenon: --forget needs the names of storages")
                .hasLineCount(2);
    }
}

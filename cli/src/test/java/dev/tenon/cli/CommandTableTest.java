package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** What holds of every command, and the table of all of them, {@code docs/COMMANDS.md}. */
class CommandTableTest {
    private static final Path TABLE = Path.of("../docs/COMMANDS.md");

    /** Why a command that prints something has no {@code --json}. */
    private static final Map<String, String> WITHOUT_JSON = Map.ofEntries(
            Map.entry("adopt", "a sentence"),
            Map.entry("backup cat", "the file"),
            Map.entry("backup end-access", "nothing"),
            Map.entry("backup extract", "the directory"),
            Map.entry("backup extract-config", "the configuration"),
            Map.entry("backup forget", "nothing"),
            Map.entry("completion", "a script"),
            Map.entry("demo", "a report"),
            Map.entry("export", "the volume"),
            Map.entry("help", "the help"),
            Map.entry("libvirt pool-dumpxml", "XML"),
            Map.entry("libvirt vol-dumpxml", "XML"),
            Map.entry("proxy", "Perl source"),
            Map.entry("release", "a sentence"),
            Map.entry("serve", "nothing"),
            Map.entry("storage activate", "nothing"),
            Map.entry("storage deactivate", "nothing"),
            Map.entry("storage remove", "nothing"),
            Map.entry("volume activate", "nothing"),
            Map.entry("volume deactivate", "nothing"),
            Map.entry("volume free", "nothing"),
            Map.entry("volume protect", "nothing"),
            Map.entry("volume resize", "nothing"),
            Map.entry("volume rollback", "nothing"),
            Map.entry("volume snapshot", "nothing"));

    /** How a command ended that ran in this process. */
    private record Ended(int status, String said, String errors) {}

    private static Ended run(Writer out, String... words) {
        StringWriter errors = new StringWriter();
        int status = Tenon.run(
                new Surroundings(
                        new DataStreams.Nothing(), new PrintWriter(out), new PrintWriter(errors), null, Map.of()),
                words);
        return new Ended(status, out.toString(), errors.toString());
    }

    private static Ended run(String... words) {
        return run(new StringWriter(), words);
    }

    private static CommandLine tenon() {
        return Tenon.commandLine(new Surroundings(
                new DataStreams.Nothing(),
                new PrintWriter(new StringWriter()),
                new PrintWriter(new StringWriter()),
                null,
                Map.of()));
    }

    static Stream<String> commands() {
        return leaves(tenon()).map(CommandTableTest::name).sorted();
    }

    private static Stream<CommandLine> leaves(CommandLine line) {
        return line.getSubcommands().isEmpty()
                ? Stream.of(line)
                : line.getSubcommands().values().stream().flatMap(CommandTableTest::leaves);
    }

    private static String name(CommandLine line) {
        return line.getCommandSpec().qualifiedName().substring("tenon ".length());
    }

    private static String[] words(String name, String... more) {
        return Stream.concat(Arrays.stream(name.split(" ", -1)), Arrays.stream(more))
                .toArray(String[]::new);
    }

    @ParameterizedTest
    @MethodSource("commands")
    void everyCommandHelps(String name) {
        Ended asked = run(words(name, "--help"));
        Ended helped = run(words("help " + name));

        assertThat(asked.status()).isEqualTo(ExitStatus.DONE);
        assertThat(asked.errors()).isEmpty();
        assertThat(asked.said())
                .contains("Usage: tenon " + name)
                .contains("Example: ")
                .contains("Exit status");
        assertThat(helped).isEqualTo(asked);
    }

    @ParameterizedTest
    @MethodSource("commands")
    void everyCommandSaysWhatWasPerhapsMeant(String name) {
        Ended ended = run(words(name, "--hlep"));

        assertThat(ended.status()).isEqualTo(ExitStatus.WRONG_USAGE);
        assertThat(ended.said()).isEmpty();
        if (!name.equals("storage add") && !name.equals("storage set")) { // of which a type may have any option
            assertThat(ended.errors()).startsWith("tenon: ");
        }
    }

    @ParameterizedTest
    @MethodSource("commands")
    void noCommandEndsWellWhoseOutputIsLost(String name) {
        Ended ended = run(new Full(), words(name, "--help"));

        assertThat(ended.status()).isEqualTo(ExitStatus.FAILED);
        assertThat(ended.errors()).contains("tenon: standard output cannot be written");
    }

    private static final class Full extends Writer {
        @Override
        public void write(char[] buffer, int offset, int length) throws IOException {
            throw new IOException("No space left on device");
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "frobnicate                    | there is no command 'tenon frobnicate'",
                "lst                           | there is no command 'tenon lst'",
                "volum list                    | there is no command 'tenon volum'; did you mean volume?",
                "volume lst                    | there is no command 'tenon volume lst'; did you mean list?",
                "volume snpashots x            | there is no command 'tenon volume snpashots'; did you mean snapshots or snapshot?",
                "storage stauts                | there is no command 'tenon storage stauts'; did you mean status?",
                "volume alloc s1 --vimd 100    | Unknown option: '--vimd'; did you mean --vmid?",
                "volume list --contnet=images  | Unknown option: '--contnet'; did you mean --content?",
                "volume list --frobnicate      | Unknown option: '--frobnicate'",
                "doctor --repiar               | Unknown option: '--repiar'; did you mean --repair?",
                "help volum                    | there is no command 'tenon volum'; did you mean volume?",
                "help volume lst               | there is no command 'tenon volume lst'; did you mean list?",
                "volume path s1:100/a.raw more | tenon volume path does not take the word 'more'",
                "volume path a:100/x.raw       | storage ID 'a' cannot be shorter than 2 characters",
                "volume resize s1:100/a.raw -1G | size '-1G' would make the volume smaller, which is never done",
                "volume resize s1:100/a.raw --x | Unknown option: '--x'"
            })
    void wrongWordsAreToldInOneSentence(String words, String sentence) {
        Ended ended = run(words.strip().split(" +", -1));

        assertThat(ended.status()).isEqualTo(ExitStatus.WRONG_USAGE);
        assertThat(ended.said()).isEmpty();
        assertThat(ended.errors()).startsWith("tenon: ").contains(sentence);
        assertThat(ended.errors().lines()).hasSize(2);
        if (!sentence.contains("did you mean")) {
            assertThat(ended.errors()).doesNotContain("did you mean");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "volume alloc s1 --vmid 0 --size 1G,                             no guest can have the number 0",
        "volume alloc s1 --vmid 5 --size 1G,                             no guest can have the number 5",
        "volume alloc s1 --vmid 99 --size 1G,                            no guest can have the number 99",
        "volume alloc s1 --vmid 100 --size 0G,                           an image of 0 bytes",
        "volume alloc s1 --vmid 100 --size 0B --format qcow2,            an image of 0 bytes",
        "volume alloc s1 --vmid 100 --size 1G --name vm-101-disk-0.raw,  'vm-101-disk-0.raw' is one of guest 101",
        "volume clone s1:100/base-100-disk-0.raw --vmid 5,               no guest can have the number 5",
        "volume clone s1:100/a.raw --vmid 101 --full --name vm-100-x.raw, is one of guest 100",
        "volume rename s1:100/a.raw --vmid 5,                            no guest can have the number 5",
        "volume rename s1:100/a.raw --name 100/vm-101-disk-0.raw,        is one of guest 101",
        "import s1:5/vm-5-disk-0.raw -,                                  no guest can have the number 5",
        "import s1:100/vm-101-disk-0.raw -,                              is one of guest 101",
        "copy s1:iso/a.iso s1:100/vm-101-disk-0.raw,                     is one of guest 101"
    })
    void whatNobodyListsIsNotMade(String words, String why) {
        Ended ended = run(words.strip().split(" +", -1));

        assertThat(ended.errors()).contains(why);
        assertThat(ended.status()).isEqualTo(ExitStatus.WRONG_USAGE);
    }

    @Test
    void theTableOfAllCommandsIsTheDocuments() throws IOException {
        String script = run("completion").said();
        List<String> lines = new ArrayList<>(List.of(
                "# Commands",
                "",
                "All of `tenon`, made by `CommandTableTest` from the commands themselves. `tenon help COMMAND` prints what a",
                "command takes; `docs/OPERATIONS.md` tells more of most.",
                "",
                "| command | what it does | example | JSON | completed | exit statuses |",
                "|---|---|---|---|---|---|"));
        List<CommandLine> all = leaves(tenon()).toList();
        all.stream()
                .sorted((one, other) -> name(one).compareTo(name(other)))
                .map(line -> row(line, script))
                .forEach(lines::add);
        String table = String.join("\n", lines) + "\n";
        if (Boolean.getBoolean("tenon.update")) {
            Files.writeString(TABLE, table);
        }

        assertThat(Files.readString(TABLE))
                .as("run 'mvn -pl cli -am test -Dtest=CommandTableTest -Dtenon.update=true' and commit it")
                .isEqualTo(table);
    }

    private static String row(CommandLine line, String script) {
        String name = name(line);
        String help = line.getUsageMessage(CommandLine.Help.Ansi.OFF);
        boolean hasJson = line.getCommandSpec().findOption("--json") != null;
        String json = hasJson ? "`--json`" : WITHOUT_JSON.get(name);
        assertThat(json)
                .as("%s prints JSON, or it is known what it prints", name)
                .isNotNull();
        assertThat(hasJson && WITHOUT_JSON.containsKey(name)).as(name).isFalse();

        String example = match(
                Pattern.compile("Example: (.+)"),
                String.join("\n", line.getCommandSpec().usageMessage().footer()));
        assertThat(example).as("the example of %s", name).isNotEmpty();

        String function = "_picocli_tenon_" + name.replace(" ", "_").replace("-", "");
        assertThat(script).as("the completion of %s", name).contains("function " + function + "()");
        line.getCommandSpec().options().forEach(option -> {
            if (!option.hidden()) {
                assertThat(script).contains(option.longestName());
            }
        });

        List<String> statuses = new ArrayList<>();
        Matcher status =
                Pattern.compile("(?m)(?:^ *|[:;,] )(0|1|2|3|130) +[a-z]").matcher(exitPart(help));
        while (status.find()) {
            statuses.add(status.group(1));
        }
        assertThat(statuses).as("exit statuses of %s", name).contains("0").doesNotHaveDuplicates();
        String description = line.getCommandSpec().usageMessage().description()[0];
        int end = description.indexOf(". ");
        return "| `%s` | %s | `%s` | %s | yes | %s |"
                .formatted(
                        name,
                        (end < 0 ? description : description.substring(0, end + 1)).replace("|", "\\|"),
                        example.replace("|", "\\|"),
                        json,
                        String.join(" ", statuses));
    }

    private static String exitPart(String help) {
        return help.substring(Math.max(0, help.indexOf("Exit status")));
    }

    private static String match(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        return matcher.find() ? matcher.group(1) : "";
    }
}

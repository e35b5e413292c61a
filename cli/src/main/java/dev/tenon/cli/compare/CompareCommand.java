package dev.tenon.cli.compare;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.PluginHash;
import dev.tenon.cli.host.ReportOption;
import dev.tenon.cli.host.ScratchPlace;
import dev.tenon.core.compare.Comparison;
import dev.tenon.core.compare.Questions;
import dev.tenon.core.compare.Report;
import dev.tenon.core.compare.ReportFiles;
import dev.tenon.core.compare.Results;
import dev.tenon.core.compare.Rules;
import dev.tenon.core.compare.Sequences;
import dev.tenon.core.compare.Verdict;
import dev.tenon.core.config.StorageConfigs;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.host.Host;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Asks two plugins the same questions. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        description =
                "Asks two plugins the same questions and says where the answers differ: about their types, about storages and"
                        + " all they hold, which are only read, and with --scratch about random changes of scratch storages.",
        footer = {
            "",
            "Example: tenon compare --old /usr/share/perl5/PVE/Storage/Custom/NasPlugin.pm --new dir --storage nas",
            "P is the file of a Perl plugin (it has a slash or ends with .pm) or a storage type. What changes by itself"
                    + " counts as noise: the old plugin is asked twice. Each scratch storage is a directory of its own.",
            "NO-GO is a failure; GO and GO WITH EXCEPTIONS are not."
        })
public final class CompareCommand extends HostCommand {
    private static final StorageId SCRATCH = new StorageId("scratch");
    private static final int BACKUPS = 3;
    private static final String PATH = "path";

    @Option(names = "--old", required = true, paramLabel = "P", description = "the plugin that is used today")
    private String old = "";

    @Option(names = "--new", required = true, paramLabel = "P", description = "the plugin that is to be used")
    private String candidate = "";

    @Option(
            names = "--storage",
            paramLabel = "STORAGE",
            description = "a storage of the configuration, which both can use; may be repeated")
    private List<StorageId> storages = new ArrayList<>();

    @Option(
            names = "--scratch",
            paramLabel = "DIR",
            description = "a directory in which scratch storages are made, and removed afterwards")
    private @Nullable Path scratch;

    @Option(
            names = "--steps",
            paramLabel = "N",
            defaultValue = "100",
            description = "how many changes of scratch storages (default: ${DEFAULT-VALUE})")
    private int steps = 100;

    @Option(
            names = "--volumes",
            paramLabel = "N",
            defaultValue = "50",
            description = "of how many volumes of a storage everything is asked (default: ${DEFAULT-VALUE})")
    private int volumes = 50;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "another choice (default: 1)")
    private long seed = 1;

    @Option(
            names = "--rules",
            paramLabel = "FILE",
            description = "differences that are taken, each with its reason (JSON; see docs/MIGRATION.md)")
    private @Nullable Path ruleFile;

    @Mixin
    private ReportOption reports = new ReportOption();

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Host host) throws IOException {
        if (steps < 1 || volumes < 1) {
            throw wrongUsage("--steps and --volumes are numbers from 1 on");
        }
        Rules rules = ruleFile == null ? Rules.NONE : Rules.read(ruleFile);
        Instant begin = Instant.now();
        StoragePlugin today = host.plugin(old);
        StoragePlugin next = host.plugin(candidate);
        Results results = new Results(rules);
        Questions questions = new Questions(new Comparison(today, next, rules, seed, results).plugin(), seed, volumes);
        for (StorageId id : storages) {
            host.of(id);
        }
        StorageConfigs configured = host.configuration().current();
        quietly().call(() -> {
            questions.askOfType();
            storages.forEach(id -> questions.ask(configured.get(id)));
            return true;
        });
        List<String> notCompared = new ArrayList<>();
        if (storages.isEmpty()) {
            notCompared.add("No storage was read: name some with --storage.");
        }
        compareChanges(today, next, rules, results, questions, notCompared);
        Report report = results.report(about(begin), notCompared);
        Path directory = reports.directory().orElse(null);
        if (directory != null) {
            ReportFiles.write(report, directory);
        }
        Conclusion.show(report, out(), terminal(), json);
        if (report.verdict() == Verdict.NO_GO) {
            throw new IOException("the verdict is NO-GO: " + String.join(" ", report.reasons()));
        }
    }

    private void compareChanges(
            StoragePlugin today,
            StoragePlugin next,
            Rules rules,
            Results results,
            Questions questions,
            List<String> notCompared)
            throws IOException {
        Path parent = scratch;
        if (parent == null) {
            notCompared.add("No changes were compared: name a directory for scratch storages with --scratch.");
            return;
        }
        for (StoragePlugin plugin : List.of(today, next)) {
            if (!plugin.options().containsKey(PATH)) {
                notCompared.add("No changes were compared: a storage of type '" + plugin.type()
                        + "' is no directory, so no scratch storage can be made.");
                return;
            }
        }
        Path own = Files.createTempDirectory(Files.createDirectories(parent), "tenon-compare-")
                .toRealPath();
        try {
            Sequences sequences = new Sequences(today, next, rules, scratchStorages(own, today.type()));
            quietly().call(() -> {
                sequences.run(seed, steps, results);
                return true;
            });
            comparePruning(own, today, next, questions);
        } finally {
            ScratchPlace.remove(own);
        }
    }

    /** What would be pruned is asked here alone: a new plugin that overlooks that it is only asked must not reach backups. */
    private void comparePruning(Path parent, StoragePlugin today, StoragePlugin next, Questions questions)
            throws IOException {
        Path path = Files.createTempDirectory(parent, "backups-");
        Storage backups = storage(path, today.type(), Map.of("backup", 1L));
        Path dump = Files.createDirectory(path.resolve("dump"));
        for (int day = 1; day <= BACKUPS; day++) {
            Files.createFile(dump.resolve("vzdump-qemu-100-2024_01_0" + day + "-10_11_12.vma"));
        }
        quietly().call(() -> {
            new Questions(next, seed, volumes).askWhatIsPruned(backups);
            return true;
        });
        try (Stream<Path> left = Files.list(dump)) {
            if (left.count() < BACKUPS) {
                throw new IOException(
                        "the new plugin removed backups of a scratch storage although it was only asked which"
                                + " it would remove (prune_backups with dryrun): do not use it before that is mended");
            }
        }
        quietly().call(() -> {
            questions.askWhatIsPruned(backups);
            return true;
        });
    }

    private static Storage storage(Path path, String type, Map<String, Long> content) {
        Map<String, Object> properties = new TreeMap<>();
        properties.put(PATH, path.toString());
        properties.put("content", new TreeMap<>(content));
        return new Storage(SCRATCH, new StorageConfig(type, properties));
    }

    private static Supplier<Storage> scratchStorages(Path parent, String type) {
        return () -> {
            try {
                Path path = Files.createTempDirectory(parent, "storage-");
                return storage(path, type, Map.of("images", 1L, "rootdir", 1L));
            } catch (IOException e) {
                throw new UncheckedIOException("no scratch storage could be made in '" + parent + "'", e);
            }
        };
    }

    private Report.About about(Instant begin) throws IOException {
        SortedMap<String, String> facts = new TreeMap<>();
        facts.put("tenon", line().getCommandSpec().root().version()[0]);
        facts.put("java", Runtime.version().toString());
        hash(old, "sha256 of the old plugin", facts);
        hash(candidate, "sha256 of the new plugin", facts);
        if (ruleFile != null) {
            hash(ruleFile.toString(), "sha256 of the rules", facts);
        }
        List<String> command = new ArrayList<>(
                List.of("tenon", "compare", "--old", old, "--new", candidate, "--seed", Long.toString(seed)));
        storages.forEach(storage -> command.addAll(List.of("--storage", storage.value())));
        if (scratch != null) {
            command.addAll(List.of("--scratch", scratch.toString(), "--steps", Integer.toString(steps)));
        }
        if (ruleFile != null) {
            command.addAll(List.of("--rules", ruleFile.toString()));
        }
        return new Report.About(old, candidate, facts, begin, Instant.now(), seed, String.join(" ", command));
    }

    private static void hash(String name, String fact, SortedMap<String, String> facts) throws IOException {
        PluginHash.of(name).ifPresent(hash -> facts.put(fact, hash));
    }
}

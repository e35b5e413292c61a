package dev.tenon.cli.compare;

import dev.tenon.bridge.storage.CallTrees;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.PluginHash;
import dev.tenon.cli.host.ReportOption;
import dev.tenon.cli.host.ScratchPlace;
import dev.tenon.core.compare.Replay;
import dev.tenon.core.compare.Report;
import dev.tenon.core.compare.ReportFiles;
import dev.tenon.core.compare.Results;
import dev.tenon.core.compare.Rules;
import dev.tenon.core.compare.Verdict;
import dev.tenon.core.record.CallForm;
import dev.tenon.core.record.Recording;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes recorded calls again, on any plugin. */
@Command(
        name = "replay",
        mixinStandardHelpOptions = true,
        description =
                "Makes the calls of a recording (tenon record) on a plugin, and says where its answers differ from those"
                        + " that were recorded. Only what reads is asked, unless there are storages that may be changed.",
        footer = {
            "",
            "Example: tenon replay /var/lib/tenon/recordings/20260101T120000Z.jsonl --on dir --copy nas=/srv/copy-of-nas",
            "P is the file of a Perl plugin (it has a slash or ends with .pm) or a storage type. A copy is as the storage was when"
                    + " the recording began; the calls change it. See docs/RECORDING.md.",
            "NO-GO is a failure; GO and GO WITH EXCEPTIONS are not."
        })
public final class ReplayCommand extends HostCommand {
    private static final CallForm FORM = new CallTrees();

    @Parameters(paramLabel = "FILE", description = "the recording")
    private Path file = Path.of("");

    @Option(names = "--on", required = true, paramLabel = "P", description = "the plugin that is asked")
    private String candidate = "";

    @Option(
            names = "--copy",
            paramLabel = "STORAGE=DIR",
            description = "a copy of a storage, on which all its calls are made; may be repeated")
    private Map<StorageId, Path> copies =
            new TreeMap<>((one, other) -> one.value().compareTo(other.value()));

    @Option(
            names = "--scratch",
            paramLabel = "DIR",
            description =
                    "a directory in which empty storages are made for those that were empty and have no copy; they are"
                            + " removed afterwards")
    private @Nullable Path scratch;

    @Option(names = "--in-time", description = "make the calls when they were made then, not as fast as it goes")
    private boolean isInTime;

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
        return scratch == null && copies.isEmpty();
    }

    @Override
    protected void run(Host host) throws IOException {
        Rules rules = ruleFile == null ? Rules.NONE : Rules.read(ruleFile);
        Recording recording = Recording.of(file);
        Instant begin = Instant.now();
        StoragePlugin plugin = host.plugin(candidate);
        Survey survey = new Survey();
        long calls = recording.read(FORM, Map.of(), survey);
        if (scratch != null || !copies.isEmpty()) {
            refuseWrongCopies(survey, plugin, host.configuredPaths());
        }
        Path own =
                scratch == null ? null : Files.createTempDirectory(Files.createDirectories(scratch), "tenon-replay-");
        try {
            Map<StorageId, Path> places =
                    new TreeMap<>((one, other) -> one.value().compareTo(other.value()));
            places.putAll(copies);
            if (own != null) {
                survey.makeEmpty(own, places);
            }
            Results results = new Results(rules);
            Replay replay = new Replay(plugin, rules, places.keySet(), results);
            Instant start = Instant.now();
            try {
                recording.read(FORM, places, (at, made) -> {
                    if (isInTime) {
                        awaitTime(start, at);
                    }
                    quietly().call(() -> {
                        replay.make(made.call(), made.answer());
                        return true;
                    });
                });
            } finally {
                places.keySet().removeAll(copies.keySet());
                replay.free(places.keySet());
            }
            Report report = results.report(about(recording, begin), notCompared(recording, calls, replay));
            conclude(report);
        } finally {
            if (own != null) {
                ScratchPlace.remove(own);
            }
        }
    }

    private void conclude(Report report) throws IOException {
        Path directory = reports.directory().orElse(null);
        if (directory != null) {
            ReportFiles.write(report, directory);
        }
        Conclusion.show(report, out(), terminal(), json);
        if (report.verdict() == Verdict.NO_GO) {
            throw new IOException("the verdict is NO-GO: " + String.join(" ", report.reasons()));
        }
    }

    /** A storage that is more than a directory would be changed itself, wherever its path is said to be. */
    private void refuseWrongCopies(Survey survey, StoragePlugin plugin, List<Path> configured) throws IOException {
        Optional<String> obstacle = ScratchPlace.obstacle(plugin);
        if (obstacle.isPresent()) {
            throw new IOException("no directory can stand for a storage of type '" + plugin.type() + "', because it "
                    + obstacle.get() + "; replay what reads alone, without --copy and --scratch");
        }
        for (Map.Entry<StorageId, Path> copy : copies.entrySet()) {
            if (!survey.paths().containsKey(copy.getKey().value())) {
                throw wrongUsage("the recording has no storage '" + copy.getKey() + "' with a path; it has "
                        + survey.paths().keySet());
            }
            if (!Files.isDirectory(copy.getValue())) {
                throw wrongUsage("the copy '" + copy.getValue() + "' is no directory");
            }
            Path real = copy.getValue().toRealPath();
            for (Path used : Stream.concat(survey.paths().values().stream(), configured.stream())
                    .toList()) {
                Path storage = real(used);
                if (real.startsWith(storage) || storage.startsWith(real)) {
                    throw wrongUsage("the copy '" + copy.getValue() + "' is, holds or is in '" + used
                            + "', where a storage is, which the calls would change: name a copy of it elsewhere");
                }
            }
            copy.setValue(real);
        }
    }

    /** What is there of a path without links, and the rest as it is. */
    private static Path real(Path path) throws IOException {
        Path whole = path.toAbsolutePath().normalize();
        for (Path there = whole; there != null; there = there.getParent()) {
            if (Files.exists(there)) {
                return there.toRealPath().resolve(there.relativize(whole)).normalize();
            }
        }
        return whole;
    }

    private static void awaitTime(Instant start, Duration at) throws IOException {
        Duration left = Duration.between(Instant.now(), start.plus(at));
        if (left.isPositive()) {
            try {
                TimeUnit.NANOSECONDS.sleep(left.toNanos());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("it was cancelled between two calls", e);
            }
        }
    }

    private static List<String> notCompared(Recording recording, long calls, Replay replay) {
        List<String> sentences = new ArrayList<>();
        if (replay.changesLeftOut() > 0) {
            sentences.add(
                    replay.changesLeftOut() + " of " + calls
                            + " calls change something, and were not made: name copies of their storages with --copy, or --scratch.");
        }
        if (replay.hooksLeftOut() > 0) {
            sentences.add(replay.hooksLeftOut()
                    + " calls tell a plugin that a storage is added, changed or removed, and are never made again.");
        }
        Recording.End end = recording.end();
        if (end == null) {
            sentences.add("The recording was broken off.");
        } else {
            if (end.dropped() > 0) {
                sentences.add(
                        end.dropped() + " calls are missing in the recording, which could not be written in time.");
            }
            if (end.leftOut() > 0) {
                sentences.add(end.leftOut() + " transfers, locks and backups cannot be made again.");
            }
        }
        return sentences;
    }

    private Report.About about(Recording recording, Instant begin) throws IOException {
        SortedMap<String, String> facts = new TreeMap<>();
        facts.put("tenon", line().getCommandSpec().root().version()[0]);
        facts.put("java", Runtime.version().toString());
        facts.put("recorded from", recording.begin().toString());
        Recording.End end = recording.end();
        if (end != null) {
            facts.put("recorded to", end.at().toString());
        }
        put(candidate, "sha256 of the new plugin", facts);
        put(file.toAbsolutePath().toString(), "sha256 of the recording", facts);
        if (ruleFile != null) {
            put(ruleFile.toAbsolutePath().toString(), "sha256 of the rules", facts);
        }
        List<String> command = new ArrayList<>(List.of("tenon", "replay", file.toString(), "--on", candidate));
        copies.forEach((storage, copy) -> command.addAll(List.of("--copy", storage + "=" + copy)));
        if (scratch != null) {
            command.addAll(List.of("--scratch", scratch.toString()));
        }
        if (ruleFile != null) {
            command.addAll(List.of("--rules", ruleFile.toString()));
        }
        return new Report.About("the recording", candidate, facts, begin, Instant.now(), 0, String.join(" ", command));
    }

    private static void put(String name, String fact, SortedMap<String, String> facts) throws IOException {
        PluginHash.of(name).ifPresent(hash -> facts.put(fact, hash));
    }
}

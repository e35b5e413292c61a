package dev.tenon.cli.check;

import ch.qos.logback.classic.Level;
import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Logging;
import dev.tenon.cli.console.Progress;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.PluginHash;
import dev.tenon.cli.host.ReportOption;
import dev.tenon.cli.host.ScratchPlace;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.host.Host;
import dev.tenon.tck.Abilities;
import dev.tenon.tck.Checked;
import dev.tenon.tck.Kit;
import dev.tenon.tck.Probe;
import dev.tenon.tck.Profile;
import dev.tenon.tck.Subject;
import dev.tenon.tck.backup.BackupKit;
import dev.tenon.tck.backup.BackupSubject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A plugin, against the contract. */
@Command(
        name = "check",
        mixinStandardHelpOptions = true,
        description =
                "Checks whether a plugin does what PVE and its users rely on, on scratch storages that are made for it"
                        + " and removed afterwards, or on an empty storage that is named.",
        footer = {
            "",
            "Example: tenon check /usr/share/perl5/PVE/Storage/Custom/NasPlugin.pm --report /srv/report",
            "P is the file of a Perl plugin (it has a slash or ends with .pm) or a storage type. What the plugin does"
                    + " not do must be refused, and is listed. A scratch storage can be made for plugins that need nothing"
                    + " but a path. The command fails if a check fails that is no declared limit, or if a declared limit"
                    + " no longer applies."
        })
public final class CheckCommand extends HostCommand {
    private static final Abilities NOTHING =
            new Abilities(Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), false, false, false);

    @Parameters(paramLabel = "P", description = "the plugin")
    private String name = "";

    @Option(
            names = "--profile",
            paramLabel = "NAME",
            description = "a part: core, snapshots, clones, streams, blocks or backup; may be repeated (default: all)")
    private List<String> profiles = new ArrayList<>();

    @Option(
            names = "--scratch",
            paramLabel = "DIR",
            description = "where scratch storages are made (default: the directory for temporary files)")
    private Path scratch = Path.of(System.getProperty("java.io.tmpdir"));

    @Option(
            names = "--storage",
            paramLabel = "STORAGE",
            description = "an empty storage of the configuration that is used instead, and written to")
    private @Nullable StorageId storage;

    @Option(
            names = "--confirm",
            paramLabel = "STORAGE",
            description = "the same name again: nobody else uses this storage, and all in it may be lost")
    private @Nullable StorageId confirmed;

    @Option(
            names = "--limits",
            paramLabel = "FILE",
            description = "checks that are known to fail, each with its reason (JSON; see docs/CONFORMANCE.md)")
    private @Nullable Path limitFile;

    @Option(
            names = "--per-check",
            paramLabel = "SECONDS",
            description = "how long a check may take before it is given up and fails (default: 600)")
    private int seconds = (int) Kit.USUAL_LIMIT.toSeconds();

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
        // Warnings of storages that are being checked mean nothing to the user.
        Logging.usually(Level.ERROR, Surroundings.of(line().getCommandSpec()));
        Set<Profile> chosen = profiles();
        if (storage != null && !storage.equals(confirmed)) {
            throw wrongUsage("the checks write to storage '" + storage + "', so say --confirm " + storage
                    + " if nobody else uses it and all in it may be lost");
        }
        if (seconds < 1) {
            throw wrongUsage("--per-check " + seconds + " is no number of seconds, 1 or more");
        }
        Limits limits = limitFile == null ? Limits.NONE : Limits.read(limitFile, checks());
        Instant begin = Instant.now();
        StoragePlugin plugin = host.plugin(name);
        Storage named = storage == null ? null : empty(host, plugin, storage);
        boolean isProvider = BackupKit.isProvider(plugin);
        // a provider that keeps backups in a directory may have a key for them, and nodes may share it
        Optional<String> obstacle = isProvider ? ScratchPlace.pathObstacle(plugin) : ScratchPlace.obstacle(plugin);
        if (named == null && obstacle.isPresent()) {
            throw new IOException("no scratch storage of type '" + plugin.type() + "' can be made, because it "
                    + obstacle.get() + "; name an empty one with --storage");
        }
        List<Checked> checks = new ArrayList<>();
        Abilities abilities;
        Optional<BackupSubject> provider = Optional.empty();
        try (ScratchStorages storages = new ScratchStorages(plugin, named, scratch);
                Progress progress = new Progress(err(), Terminal.ofErrors(), "checking " + name)) {
            Consumer<Checked> result = checked -> {
                if (Thread.currentThread().isInterrupted()) {
                    storages.cancel();
                }
                checks.add(checked);
            };
            Kit.Conduct conduct = new Kit.Conduct(
                    Duration.ofSeconds(seconds), title -> progress.at(soFar(checks) + ", now: " + title), result);
            abilities = quietly().call(() -> abilities(storages.next(NOTHING)));
            quietly().call(() -> {
                Kit.check(chosen, () -> storages.next(abilities), conduct);
                return true;
            });
            if (isProvider && chosen.contains(Profile.BACKUP) && !storages.isCancelled()) {
                BackupSubject learnt = quietly().call(storages::learn);
                provider = Optional.of(learnt);
                quietly().call(() -> {
                    BackupKit.check(() -> storages.next(learnt), conduct);
                    return true;
                });
            }
            if (storages.isCancelled()) {
                throw new IOException("the check was cancelled");
            }
        }
        Findings findings = new Findings(name, facts(begin, chosen), abilities, provider, limits, checks);
        Path directory = reports.directory().orElse(null);
        if (directory != null) {
            CheckReport.write(findings, directory);
        }
        show(findings);
        if (!findings.isPassed()) {
            throw new IOException("the plugin '" + name + "' does not pass: " + String.join(" ", findings.reasons()));
        }
    }

    private static String soFar(List<Checked> checks) {
        long failed = checks.stream()
                .filter(checked -> checked.result() == Checked.Result.FAILED)
                .count();
        return checks.size() + " done, " + failed + " failed";
    }

    private static Set<String> checks() {
        Set<String> all = new TreeSet<>(Kit.checks());
        all.addAll(BackupKit.checks());
        return all;
    }

    private static Abilities abilities(Subject subject) {
        subject.plugin().activateStorage(subject.storage(), OperationCache.create());
        return Probe.abilities(subject);
    }

    private Set<Profile> profiles() {
        Set<Profile> chosen = EnumSet.noneOf(Profile.class);
        Map<String, Profile> known = new TreeMap<>();
        for (Profile profile : Profile.values()) {
            known.put(profile.word(), profile);
        }
        for (String word : profiles) {
            Profile profile = known.get(word);
            if (profile == null) {
                throw wrongUsage("there is no profile '" + word + "'; there are " + String.join(", ", known.keySet()));
            }
            chosen.add(profile);
        }
        return chosen.isEmpty() ? EnumSet.allOf(Profile.class) : chosen;
    }

    private static Storage empty(Host host, StoragePlugin plugin, StorageId id) throws IOException {
        host.of(id);
        Storage storage = host.configuration().current().get(id);
        plugin.activateStorage(storage, OperationCache.create());
        if (!(plugin.status(storage, OperationCache.create()) instanceof StorageStatus.Active)) {
            throw new IOException("storage '" + id
                    + "' says that it is not active after it was activated, and the checks need one that works");
        }
        int volumes = plugin.listImages(storage, ImageFilter.all(), OperationCache.create())
                .size();
        Set<ContentType> files = files(plugin);
        if (!files.isEmpty()) {
            volumes += plugin.listVolumes(storage, null, files).size();
        }
        if (volumes > 0) {
            throw new IOException("storage '" + id + "' has " + volumes + " volumes, and the checks need an empty one");
        }
        return storage;
    }

    /** What the plugin takes beside images: backups, templates and so on. */
    private static Set<ContentType> files(StoragePlugin plugin) {
        Set<ContentType> files = EnumSet.noneOf(ContentType.class);
        plugin.pluginData().content().forEach(word -> ContentType.ofWord(word).ifPresent(files::add));
        files.removeAll(Set.of(ContentType.IMAGES, ContentType.ROOTDIR, ContentType.NONE));
        return files;
    }

    private SortedMap<String, String> facts(Instant begin, Set<Profile> chosen) throws IOException {
        SortedMap<String, String> facts = new TreeMap<>();
        facts.put("kit", line().getCommandSpec().root().version()[0]);
        facts.put("java", Runtime.version().toString());
        facts.put("from", begin.toString());
        facts.put("to", Instant.now().toString());
        facts.put("profiles", chosen.stream().map(Profile::word).collect(Collectors.joining(", ")));
        facts.put("storage", storage == null ? "scratch storages in " + scratch : storage.value());
        PluginHash.of(name).ifPresent(hash -> facts.put("sha256 of the plugin", hash));
        if (limitFile != null) {
            PluginHash.of(limitFile.toString()).ifPresent(hash -> facts.put("sha256 of the limits", hash));
        }
        return facts;
    }

    private void show(Findings findings) throws IOException {
        if (json.isGiven()) {
            Json.print(
                    out(),
                    Json.object(
                            "verdict", findings.verdict(),
                            "reasons", findings.reasons(),
                            "checks", findings.checks().size(),
                            "passed", findings.count(Checked.Result.PASSED),
                            "failed", findings.failures().stream().map(CheckCommand::json),
                            "declared", findings.declared().stream().map(CheckCommand::json),
                            "notSupported", List.copyOf(findings.notSupported())));
            return;
        }
        for (Checked checked : findings.failures()) {
            out().println(checked.title());
            out().println("  calls    " + String.join(", ", checked.calls()));
            out().println("  why      " + checked.why());
            out().println("  callers  " + checked.otherwise());
            out().println();
        }
        if (!findings.notSupported().isEmpty()) {
            out().println("Not supported, and to be refused:");
            findings.notSupported().forEach(lack -> out().println("  " + lack));
            out().println();
        }
        out().println(findings.verdict() + ": " + String.join(" ", findings.reasons()));
    }

    private static Map<String, @Nullable Object> json(Checked checked) {
        return Json.object(
                "check", checked.check(),
                "variant", checked.variant(),
                "profile", checked.profile().word(),
                "calls", checked.calls(),
                "why", checked.why(),
                "otherwise", checked.otherwise());
    }
}

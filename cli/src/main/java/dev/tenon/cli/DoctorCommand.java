package dev.tenon.cli;

import ch.qos.logback.classic.Level;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Logging;
import dev.tenon.cli.host.HostOptions;
import dev.tenon.core.doctor.Doctor;
import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.host.Host;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What interrupted work left in storages. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        description =
                "Finds what interrupted operations left in storages, and repairs what can be repaired without risk.",
        footer = {
            "",
            "Example: tenon doctor --repair",
            "Exit status: 0 nothing is wrong, or not any more; 1 something is left, or a storage that is in use"
                    + " could not be examined;"
                    + " 2 wrong usage."
        })
final class DoctorCommand implements Callable<Integer> {
    @Option(
            names = "--dir",
            paramLabel = "ID=PATH",
            description = "a directory storage that is in no configuration, and its path; may be repeated")
    private Map<String, Path> directories = new LinkedHashMap<>();

    @Option(names = "--repair", description = "repair, while the storage is locked")
    private boolean repair;

    @Option(
            names = "--forget",
            description = "forget what the journal says of these storages, after you have looked at them; for storages"
                    + " whose plugin cannot examine them, or that no longer exist")
    private boolean forget;

    @Option(names = "--json", description = "print JSON, for machines")
    private boolean json;

    @Parameters(
            paramLabel = "STORAGE",
            description =
                    "a storage of the configuration (default: all whose type can be examined, unless --dir is given)")
    private List<StorageId> storages = List.of();

    @Mixin
    private HostOptions options = new HostOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    /** What became of a finding. */
    private enum State {
        FOUND(""),
        REPAIRED(", repaired"),
        FORGOTTEN(", forgotten");

        private final String words;

        State(String words) {
            this.words = words;
        }
    }

    private record Line(String storage, State state, Finding finding) {
        Map<String, @Nullable Object> toJson() {
            return Json.object(
                    "storage", storage,
                    "kind", finding.kind().word(),
                    "place", finding.place(),
                    "what", finding.what(),
                    "certainty", finding.certainty().word(),
                    "repaired", state == State.REPAIRED,
                    "forgotten", state == State.FORGOTTEN,
                    "repairable", finding.remedy() instanceof Finding.Remedy.Automatic,
                    "remedy", finding.remedy().words());
        }

        void print(PrintWriter out) {
            out.println(storage + ": " + finding.kind().word() + state.words);
            out.println("  " + finding.what()
                    + (finding.certainty() == Finding.Certainty.SURE
                            ? ""
                            : " (" + finding.certainty().word() + ")"));
            String who = state != State.FOUND
                    ? "done: "
                    : finding.remedy() instanceof Finding.Remedy.Automatic ? "with --repair: " : "by hand: ";
            out.println("  " + who + finding.remedy().words());
        }
    }

    @Override
    public Integer call() throws IOException {
        options.wrong().ifPresent(wrong -> {
            throw new ParameterException(spec.commandLine(), wrong);
        });
        if (forget && (storages.isEmpty() || repair || !directories.isEmpty())) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--forget needs the names of storages, and goes with neither --repair nor --dir");
        }
        Logging.usually(Level.WARN, Surroundings.of(spec));
        try (Host host = Host.ofCommand(options.settings())) {
            if (forget) {
                return forget(host);
            }
            List<String> skipped = new ArrayList<>();
            List<Storage> examined = examined(host, skipped);
            skipped.forEach(why -> spec.commandLine().getErr().println("tenon: " + why));
            Doctor doctor = new Doctor(host.journal());
            List<Line> lines = new ArrayList<>();
            boolean isExamined = skipped.isEmpty();
            for (Storage storage : examined) {
                try {
                    examine(host, doctor, storage, lines);
                } catch (StorageException e) {
                    spec.commandLine().getErr().println("tenon: " + e.getMessage());
                    isExamined = false;
                }
            }
            doctor.others(examined.stream().map(Storage::id).collect(Collectors.toSet()))
                    .forEach(finding -> lines.add(new Line("?", State.FOUND, finding)));
            print(spec.commandLine().getOut(), lines, skipped.size());
            boolean isWell = lines.stream().noneMatch(line -> line.state() == State.FOUND);
            return isExamined && isWell ? 0 : 1;
        }
    }

    private int forget(Host host) throws IOException {
        for (StorageId id : storages) {
            Optional<Storage> configured = configured(host, id);
            if (configured.isPresent()
                    && isExaminable(host.type(configured.get().config().type()))) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER,
                        "storage '" + id + "' can be examined, so nothing of it is forgotten unseen; use --repair");
            }
        }
        Doctor doctor = new Doctor(host.journal());
        List<Line> lines = new ArrayList<>();
        for (StorageId id : storages) {
            doctor.forget(id).forEach(finding -> lines.add(new Line(id.value(), State.FORGOTTEN, finding)));
        }
        if (json) {
            Json.print(
                    spec.commandLine().getOut(),
                    lines.stream().map(Line::toJson).toList());
        } else {
            lines.forEach(line -> line.print(spec.commandLine().getOut()));
            spec.commandLine().getOut().println(lines.size() + " forgotten");
        }
        return 0;
    }

    /** A storage whose type has no plugin is treated as one that is gone. */
    private static Optional<Storage> configured(Host host, StorageId id) throws IOException {
        try {
            host.of(id);
            return Optional.of(host.configuration().current().get(id));
        } catch (StorageException e) {
            return Optional.empty();
        }
    }

    /**
     * The storages to look at.
     *
     * @param skipped gets a sentence for each that is in use and cannot be looked at
     */
    private List<Storage> examined(Host host, List<String> skipped) throws IOException {
        List<Storage> examined = new ArrayList<>();
        directories.forEach((id, path) -> examined.add(storage(id, path)));
        for (StorageId id : storages) {
            host.of(id);
            examined.add(host.configuration().current().get(id));
        }
        if (examined.isEmpty()) {
            skipped.addAll(host.problems());
            StorageService service = host.of();
            host.configuration().current().all().stream()
                    .filter(storage -> service.isEnabled(storage.id()))
                    .filter(storage -> !isUnusedLocal(storage))
                    .forEach(storage -> {
                        String type = storage.config().type();
                        if (isExaminable(host.types().get(type))) {
                            examined.add(storage);
                        } else {
                            skipped.add("storage '" + storage.id() + "' was not examined: no plugin for the type '"
                                    + type + "' can examine it");
                        }
                    });
        }
        return examined;
    }

    private static boolean isExaminable(@Nullable StoragePlugin plugin) {
        return plugin != null && plugin.examinable().isPresent();
    }

    /** The storage called local is always there, and its directory need not be. */
    private static boolean isUnusedLocal(Storage storage) {
        return storage.id().value().equals("local")
                && storage.config()
                        .text("path")
                        .filter(path -> Files.isDirectory(Path.of(path)))
                        .isEmpty();
    }

    private static Storage storage(String id, Path path) {
        return Storage.of(id, "dir", Map.of("path", path.toAbsolutePath().toString()));
    }

    private void examine(Host host, Doctor doctor, Storage storage, List<Line> lines) throws IOException {
        String id = storage.id().value();
        StoragePlugin plugin =
                Objects.requireNonNull(host.type(storage.config().type()), "somebody answers for what was found");
        if (!repair) {
            doctor.examine(storage, plugin).forEach(finding -> lines.add(new Line(id, State.FOUND, finding)));
            return;
        }
        ExclusiveLock lock = host.locks().storage(storage.id(), storage.config().flag("shared", false));
        Doctor.Report report = doctor.repair(storage, plugin, lock);
        report.repaired().forEach(finding -> lines.add(new Line(id, State.REPAIRED, finding)));
        report.left().forEach(finding -> lines.add(new Line(id, State.FOUND, finding)));
    }

    private void print(PrintWriter out, List<Line> lines, int skipped) throws IOException {
        if (json) {
            Json.print(out, lines.stream().map(Line::toJson).toList());
            return;
        }
        lines.forEach(line -> line.print(out));
        long left = lines.stream().filter(line -> line.state() == State.FOUND).count();
        out.println((lines.isEmpty() ? "nothing is wrong" : (lines.size() - left) + " repaired, " + left + " left")
                + (skipped == 0 ? "" : "; what was not examined is told above"));
    }
}

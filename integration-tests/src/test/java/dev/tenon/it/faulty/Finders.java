package dev.tenon.it.faulty;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.bridge.storage.CallTrees;
import dev.tenon.core.compare.Compared;
import dev.tenon.core.compare.Comparison;
import dev.tenon.core.compare.Questions;
import dev.tenon.core.compare.Replay;
import dev.tenon.core.compare.Report;
import dev.tenon.core.compare.Results;
import dev.tenon.core.compare.Rules;
import dev.tenon.core.compare.Sequences;
import dev.tenon.core.compare.Shadow;
import dev.tenon.core.compare.Verdict;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.record.CallForm;
import dev.tenon.core.record.Recorder;
import dev.tenon.core.record.Recording;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.tck.Abilities;
import dev.tenon.tck.Checked;
import dev.tenon.tck.Kit;
import dev.tenon.tck.Probe;
import dev.tenon.tck.Profile;
import dev.tenon.tck.Subject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Looks for differences from a plugin, and for breaches of the contract, until there is one. */
final class Finders {
    private static final StorageId NAS = new StorageId("nas");
    private static final CallForm FORM = new CallTrees();

    /** How many scratch storages a sequence has before a difference is made smaller. */
    private static final int STORAGES = 3;

    /** Times are looked at after so many calls. */
    private static final int NOW_AND_THEN = 5;

    private static final int MOST_VOLUMES = 100;
    private static final int STEPS = 100;

    private static final Abilities UNKNOWN =
            new Abilities(Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), false, false, false);

    private final StoragePlugin faithful;
    private final Path directory;
    private final AtomicInteger numbers = new AtomicInteger();
    private final Storage used;
    private @Nullable Path recording;

    /** Who looks. */
    enum Tool {
        COMPARE,
        SHADOW,
        CHECK,
        REPLAY;

        /** Whether it is meant to find it. */
        boolean looksFor(Fault fault) {
            return switch (this) {
                case COMPARE -> true;
                // It never makes changes, and leaves out dry runs.
                case SHADOW -> fault.isInAnswer() && !fault.method().equals("pruneBackups");
                // Times are in its report, and no failure.
                case CHECK -> fault.kind() != Kind.SLOW;
                // What was recorded are changes, and looks at what came of them.
                case REPLAY -> !fault.isInAnswer();
            };
        }
    }

    /** One difference is enough. */
    private static final class FoundException extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /**
     * Looks for what differs from this plugin.
     *
     * @param directory an empty one
     */
    Finders(StoragePlugin faithful, Path directory) throws IOException {
        this.faithful = faithful;
        this.directory = directory;
        this.used = storage();
        Day.fill(faithful, used);
    }

    /** A day, which is recorded once. */
    private Path recording() throws IOException, InterruptedException {
        Path recorded = recording;
        if (recorded == null) {
            recorded = record();
            recording = recorded;
        }
        return recorded;
    }

    private Path record() throws IOException, InterruptedException {
        try (Recorder recorder = new Recorder(directory.resolve("recordings"), FORM)) {
            StoragePlugin recorded = recorder.plugin(faithful.type(), faithful);
            Path file = recorder.start(
                    new Recorder.Wanted(null, null, Duration.ofHours(1), 1 << 24, Duration.ofDays(1), false));
            Day.use(recorded, storage());
            recorder.stop();
            return file;
        }
    }

    StoragePlugin faithful() {
        return faithful;
    }

    /** A storage with volumes of all kinds. */
    Storage used() {
        return used;
    }

    private Storage storage() {
        try {
            Path path = Files.createDirectory(directory.resolve("s" + numbers.incrementAndGet()));
            Map<String, Object> content = new TreeMap<>();
            List.of("images", "rootdir", "backup", "iso", "import").forEach(type -> content.put(type, 1L));
            return new Storage(
                    NAS,
                    new StorageConfig(
                            faithful.type(), new TreeMap<>(Map.of("path", path.toString(), "content", content))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    boolean isFound(Tool tool, StoragePlugin plugin) throws IOException, InterruptedException {
        return switch (tool) {
            case COMPARE -> isFoundByQuestions(plugin) || isFoundBySequence(plugin, 1);
            case SHADOW -> isFoundByShadow(plugin);
            case CHECK -> isFoundByCheck(plugin);
            case REPLAY -> isFoundByReplay(plugin);
        };
    }

    /** Ends when something is found. */
    private boolean isFound(Consumer<Consumer<Compared>> work) {
        Results results = new Results(Rules.NONE);
        AtomicInteger calls = new AtomicInteger();
        try {
            work.accept(compared -> {
                results.accept(compared);
                if (!compared.unexplained().isEmpty()
                        || (calls.incrementAndGet() % NOW_AND_THEN == 0 && isTold(results))) {
                    throw new FoundException();
                }
            });
        } catch (FoundException e) {
            return true;
        }
        return isTold(results);
    }

    /** Slowness is told, and is no difference. */
    private static boolean isTold(Results results) {
        Instant now = Instant.now();
        Report.About about = new Report.About("old", "new", new TreeMap<>(), now, now, 1, "compare");
        return results.report(about, List.of()).verdict() != Verdict.GO;
    }

    private boolean isFoundByQuestions(StoragePlugin plugin) {
        return isFound(results -> ask(new Comparison(faithful, plugin, Rules.NONE, 1, results).plugin(), true));
    }

    private void ask(StoragePlugin plugin, boolean withDryRuns) {
        Questions questions = new Questions(plugin, 1, MOST_VOLUMES);
        questions.askOfType();
        questions.ask(used);
        if (withDryRuns) {
            questions.askWhatIsPruned(used);
        }
    }

    /** As many changes as the command makes if nothing else is said. */
    boolean isFoundBySequence(StoragePlugin plugin, long seed) {
        AtomicInteger made = new AtomicInteger();
        // More storages are wanted only to make a difference smaller.
        Supplier<Storage> scratch = () -> {
            if (made.incrementAndGet() > STORAGES) {
                throw new FoundException();
            }
            return storage();
        };
        try {
            return isFound(results -> new Sequences(faithful, plugin, Rules.NONE, scratch).run(seed, STEPS, results));
        } catch (StorageException e) {
            return true; // it cannot even be begun
        }
    }

    private boolean isFoundByShadow(StoragePlugin plugin) {
        AtomicBoolean isFound = new AtomicBoolean();
        Results results = new Results(Rules.NONE);
        AtomicInteger calls = new AtomicInteger();
        Consumer<Compared> seen = compared -> {
            results.accept(compared);
            if (!compared.unexplained().isEmpty() || (calls.incrementAndGet() % NOW_AND_THEN == 0 && isTold(results))) {
                isFound.set(true);
            }
        };
        Decorator untilFound = (call, next) -> {
            if (isFound.get()) {
                throw new FoundException();
            }
            return next.get();
        };
        Shadow.Settings all = new Shadow.Settings(1, 1, 10_000, 100_000, Duration.ofMinutes(1));
        try (Shadow shadow = new Shadow(faithful, Decorator.decorate(plugin, untilFound), Rules.NONE, all, seen)) {
            ask(Decorator.decorate(shadow.plugin(), untilFound), false);
        } catch (FoundException e) {
            return true;
        }
        return isFound.get() || isTold(results);
    }

    private boolean isFoundByReplay(StoragePlugin plugin) throws IOException, InterruptedException {
        Path file = recording();
        Path place = Files.createDirectory(directory.resolve("s" + numbers.incrementAndGet()));
        return isFound(results -> {
            Replay replay = new Replay(plugin, Rules.NONE, Set.of(NAS), results);
            try {
                Recording.of(file)
                        .read(FORM, Map.of(NAS, place), (at, made) -> replay.make(made.call(), made.answer()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private boolean isFoundByCheck(StoragePlugin plugin) {
        AtomicBoolean isFound = new AtomicBoolean();
        try {
            Subject first = subject(plugin, UNKNOWN);
            plugin.activateStorage(first.storage(), OperationCache.create());
            Abilities abilities = Probe.abilities(first);
            Kit.check(
                    EnumSet.allOf(Profile.class),
                    () -> {
                        if (isFound.get()) {
                            throw new IllegalStateException("one fault is enough");
                        }
                        return subject(plugin, abilities);
                    },
                    checked -> {
                        if (checked.result() == Checked.Result.FAILED) {
                            isFound.set(true);
                        }
                    });
        } catch (StorageException e) {
            return true; // it cannot even be begun
        } catch (IllegalStateException e) {
            assertThat(isFound).as(e.getMessage()).isTrue();
        }
        return isFound.get();
    }

    private Subject subject(StoragePlugin plugin, Abilities abilities) {
        try {
            Path outside = Files.createDirectory(directory.resolve("o" + numbers.incrementAndGet()));
            return Subject.ofFiles(plugin, storage(), null, outside, abilities);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

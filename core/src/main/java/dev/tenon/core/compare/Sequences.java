package dev.tenon.core.compare;

import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes the same changes on scratch storages of two plugins, and compares what each answers and what can be seen afterwards.
 * The old plugin makes them on two storages, so that what moves by itself is known. What nobody has explained is told with
 * the fewest changes that show it. After a change that leaves the storages different, all that was changed before is made
 * again in new ones, without it: so one sequence shows more than its first difference.
 */
public final class Sequences {
    /** How often to test whether an earlier change is needed. */
    private static final int MOST_TRIES = 40;

    private static final String FILES = "files";

    private final StoragePlugin old;
    private final StoragePlugin candidate;
    private final Judge judge;
    private final Supplier<Storage> scratch;

    /**
     * Changes for two plugins.
     *
     * @param scratch makes an empty storage each time, which is not active; all have one id
     */
    public Sequences(StoragePlugin old, StoragePlugin candidate, Rules rules, Supplier<Storage> scratch) {
        this.old = old;
        this.candidate = candidate;
        this.judge = new Judge(rules);
        this.scratch = scratch;
    }

    /**
     * Makes random changes, most of them sensible.
     *
     * @param steps how many
     * @param results is told of each change, and of what is seen after it
     * @throws StorageException if a scratch storage cannot be activated
     */
    public void run(long seed, int steps, Consumer<Compared> results) {
        run(new Trio(), seed, steps, results);
    }

    private void run(Trio first, long seed, int steps, Consumer<Compared> results) {
        Trio trio = first;
        try {
            Changes changes = new Changes(seed, old.formats(trio.ofOld.storage()));
            List<Step> made = new ArrayList<>();
            Set<Place> told = new HashSet<>();
            for (int i = 0; i < steps; i++) {
                Step step = changes.next(trio.ofOld.volumes());
                made.add(step);
                List<Compared> seen = trio.make(step);
                boolean isDifferent = leavesDifferent(seen);
                for (Compared compared : seen) {
                    boolean isNew = !compared.unexplained().isEmpty() && told.addAll(places(compared));
                    results.accept(isNew ? minimal(made, compared) : compared);
                    // What differs there again may always do so, and is not because of one change.
                    isDifferent |= isNew && !compared.equals(seen.getFirst());
                }
                if (isDifferent) {
                    made.removeLast();
                    trio.close();
                    trio = new Trio();
                    made.forEach(trio::makeAgain);
                } else if (!isDone(seen.getFirst().old())) {
                    made.removeLast(); // nothing was changed
                }
            }
        } finally {
            trio.close();
        }
    }

    /** Whether what follows could differ because of this change, and not by itself. */
    private static boolean leavesDifferent(List<Compared> seen) {
        Compared change = seen.getFirst();
        return isDone(change.old()) != isDone(change.candidate())
                || (isDone(change.old()) && !change.judged().isEmpty())
                || seen.stream()
                        .filter(compared -> compared.question().method().equals(FILES))
                        .flatMap(compared -> compared.judged().stream())
                        .anyMatch(judged -> !(judged instanceof Compared.Judged.Noise));
    }

    private static boolean isDone(Answer answer) {
        return answer instanceof Answer.Value;
    }

    /** Where something differs: a second difference there is told as it is. */
    private record Place(String method, String field) {}

    private static Set<Place> places(Compared compared) {
        Set<Place> places = new HashSet<>();
        fields(compared)
                .forEach(field -> places.add(new Place(compared.question().method(), field)));
        return places;
    }

    /** The same difference with as few changes before it as can be found quickly. */
    private Compared minimal(List<Step> made, Compared differing) {
        List<Step> needed = new ArrayList<>(made);
        Compared shown = differing;
        int tries = 0;
        // Large pieces first, then smaller and smaller ones; the last change is the one that shows the difference.
        for (int piece = Math.max(1, needed.size() / 2); tries < MOST_TRIES; piece /= 2) {
            for (int end = needed.size() - 1; end > 0 && tries < MOST_TRIES; end -= piece, tries++) {
                List<Step> fewer = new ArrayList<>(needed);
                fewer.subList(Math.max(0, end - piece), end).clear();
                Compared again = lastOf(fewer, differing);
                if (again != null) {
                    needed = fewer;
                    shown = again;
                }
            }
            if (piece == 1) {
                break;
            }
        }
        List<String> told = new ArrayList<>(shown.question().arguments());
        Storage any = scratch.get();
        needed.forEach(step -> told.add("after " + withoutStorage(step.question(any))));
        return new Compared(
                new Compared.Question(
                        shown.question().method(), shown.question().storage(), told),
                shown.old(),
                shown.candidate(),
                shown.judged());
    }

    private static String withoutStorage(Compared.Question question) {
        return question.method() + "(" + String.join(", ", question.arguments()) + ")";
    }

    private @Nullable Compared lastOf(List<Step> steps, Compared wanted) {
        List<Compared> last;
        try (Trio trio = new Trio()) {
            steps.subList(0, steps.size() - 1).forEach(trio::makeAgain);
            last = trio.make(steps.getLast());
        }
        return last.stream()
                .filter(compared ->
                        compared.question().method().equals(wanted.question().method())
                                && kinds(compared).containsAll(kinds(wanted)))
                .findFirst()
                .orElse(null);
    }

    private static Set<String> fields(Compared compared) {
        Set<String> fields = new HashSet<>();
        compared.unexplained().forEach(difference -> fields.add(difference.field()));
        return fields;
    }

    /** Fewer changes may show another difference of the same field, which would explain nothing. */
    private static Set<String> kinds(Compared compared) {
        Set<String> kinds = new HashSet<>();
        compared.unexplained().forEach(difference -> kinds.add(difference.field() + ": " + difference.kind()));
        return kinds;
    }

    /** A plugin and a scratch storage of its own. */
    private record Side(StoragePlugin plugin, Storage storage) {
        Answer make(Step step) {
            return told(() -> step.make(plugin, storage));
        }

        /** Its answer, without the location of its own storage. */
        Answer told(Supplier<? extends @Nullable Object> call) {
            String path = storage.config().text("path").orElse("");
            Answer answer = Answer.of(call);
            return answer instanceof Answer.Refusal refusal && !path.isEmpty()
                    ? new Answer.Refusal(
                            refusal.error(), refusal.outcome(), refusal.text().replace(path, "PATH"), refusal.time())
                    : answer;
        }

        void empty() {
            ScratchVolumes.free(plugin, storage);
        }

        List<VolumeInfo> volumes() {
            return ScratchVolumes.of(plugin, storage);
        }

        /** All files and directories, to see what no list of volumes tells. */
        Map<String, String> files() {
            Path top = Path.of(storage.config().text("path").orElse(""));
            Map<String, String> files = new TreeMap<>();
            if (!top.isAbsolute()) {
                return files;
            }
            try (Stream<Path> all = Files.walk(top)) {
                all.forEach(path ->
                        files.put(top.relativize(path).toString(), Files.isDirectory(path) ? "a directory" : "a file"));
                return files;
            } catch (IOException | UncheckedIOException e) {
                throw new IllegalStateException("the files in '" + top + "' cannot be listed", e);
            }
        }
    }

    /** The old plugin, the new one, and the old one again. Closing it frees what is there. */
    private final class Trio implements AutoCloseable {
        private final Side ofOld = begun(old);
        private final Side ofCandidate = begun(candidate);
        private final Side again = begun(old);

        private Side begun(StoragePlugin plugin) {
            Storage storage = scratch.get();
            plugin.activateStorage(storage, OperationCache.create());
            return new Side(plugin, storage);
        }

        @Override
        public void close() {
            ofOld.empty();
            ofCandidate.empty();
            again.empty();
        }

        /** Makes a change that showed nothing of its own. */
        void makeAgain(Step step) {
            ofOld.make(step);
            ofCandidate.make(step);
            again.make(step);
        }

        List<Compared> make(Step step) {
            List<Compared> seen = new ArrayList<>();
            // The new one runs between the two runs of the old one.
            Compared change =
                    judged(step.question(ofOld.storage()), ofOld.make(step), ofCandidate.make(step), again.make(step));
            seen.add(change);
            if (isDone(change.old()) != isDone(change.candidate())) {
                return seen; // what can be seen afterwards differs for that reason
            }
            seen.add(look(
                    "listImages",
                    List.of(),
                    side -> side.plugin().listImages(side.storage(), ImageFilter.all(), OperationCache.create())));
            seen.add(look(FILES, List.of(), Side::files));
            Set<String> names = new TreeSet<>();
            ofOld.volumes().forEach(volume -> names.add(volume.volid().volume().value()));
            for (String name : names) {
                VolumeName volume = new VolumeName(name);
                List<String> about = List.of(name);
                seen.add(look(
                        "volumeSizeInfo", about, side -> side.plugin().volumeSizeInfo(side.storage(), volume, null)));
                seen.add(look("snapshots", about, side -> side.plugin().snapshots(side.storage(), volume)));
                seen.add(look(
                        "attribute",
                        about,
                        side -> side.plugin().attribute(side.storage(), volume, VolumeAttribute.NOTES)));
            }
            return seen;
        }

        private Compared look(String method, List<String> arguments, Function<Side, Object> question) {
            return judged(
                    new Compared.Question(method, ofOld.storage().id(), arguments),
                    ofOld.told(() -> question.apply(ofOld)),
                    ofCandidate.told(() -> question.apply(ofCandidate)),
                    again.told(() -> question.apply(again)));
        }
    }

    private Compared judged(Compared.Question question, Answer ofOld, Answer ofCandidate, Answer again) {
        judge.learn(question, ofOld, again);
        return new Compared(
                question,
                ofOld,
                ofCandidate,
                Differences.between(ofOld, ofCandidate).stream()
                        .map(difference -> judge.judge(question, difference))
                        .toList());
    }
}

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
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes the same changes on scratch storages of two plugins, and compares what each answers and what can be seen afterwards.
 * The old plugin makes them on two storages, so that what moves by itself is known. The first difference ends a sequence;
 * it is then told with the fewest changes that show it.
 */
public final class Sequences {
    /** How often to test whether an earlier change is needed. */
    private static final int MOST_TRIES = 40;

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
     * @param steps how many, if nothing differs
     * @param results is told of each change, and of what is seen after it
     * @throws StorageException if a scratch storage cannot be activated
     */
    public void run(long seed, int steps, Consumer<Compared> results) {
        try (Trio trio = new Trio()) {
            run(trio, seed, steps, results);
        }
    }

    private void run(Trio trio, long seed, int steps, Consumer<Compared> results) {
        Changes changes = new Changes(seed, old.formats(trio.ofOld.storage()));
        List<Step> made = new ArrayList<>();
        while (made.size() < steps) {
            Step step = changes.next(trio.ofOld.volumes());
            made.add(step);
            List<Compared> seen = trio.make(step);
            Compared differing = seen.stream()
                    .filter(compared -> !compared.unexplained().isEmpty())
                    .findFirst()
                    .orElse(null);
            if (differing != null) {
                results.accept(minimal(made, differing));
                return;
            }
            seen.forEach(results);
        }
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
        List<Compared> last = List.of();
        try (Trio trio = new Trio()) {
            for (Step step : steps) {
                last = trio.make(step);
            }
        }
        return last.stream()
                .filter(compared ->
                        compared.question().method().equals(wanted.question().method())
                                && fields(compared).containsAll(fields(wanted)))
                .findFirst()
                .orElse(null);
    }

    private static Set<String> fields(Compared compared) {
        Set<String> fields = new HashSet<>();
        compared.unexplained().forEach(difference -> fields.add(difference.field()));
        return fields;
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

        /** The names of all files and directories, to see what no list of volumes tells. */
        List<String> files() {
            Path top = Path.of(storage.config().text("path").orElse(""));
            if (!top.isAbsolute()) {
                return List.of();
            }
            try (Stream<Path> all = Files.walk(top)) {
                return all.map(path -> top.relativize(path).toString()).sorted().toList();
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

        List<Compared> make(Step step) {
            List<Compared> seen = new ArrayList<>();
            // The new one runs between the two runs of the old one.
            seen.add(
                    judged(step.question(ofOld.storage()), ofOld.make(step), ofCandidate.make(step), again.make(step)));
            seen.add(look(
                    "listImages",
                    List.of(),
                    side -> side.plugin().listImages(side.storage(), ImageFilter.all(), OperationCache.create())));
            seen.add(look("files", List.of(), Side::files));
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

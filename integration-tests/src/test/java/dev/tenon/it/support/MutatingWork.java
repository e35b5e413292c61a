package dev.tenon.it.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Random changes of the images of a storage, called by a Perl program, and what its answers say must be there. A call that
 * got no answer because the daemon was killed stays in doubt until {@link #settle} looks which of both came true.
 * The file is long because all changes share one picture of what must be there.
 */
public final class MutatingWork {
    private static final int MOST_VOLUMES = 10;
    private static final int MOST_SNAPSHOTS = 3;
    private static final int STEP_BYTES = 1 << 20;
    private static final long[] OWNERS = {100, 101, 102};

    /** What an answer that never came looks like. */
    private static final List<String> LOST = List.of("connection was lost", "nobody answers", "the peer closed");

    private final PerlCaller perl;
    private final String id;
    private final Path path;
    private final boolean hasChains;
    private final Random random;
    private final Map<String, Object> section = new LinkedHashMap<>();
    private final Map<String, Volume> volumes = new TreeMap<>();
    private final Set<String> changed = new TreeSet<>();
    private int numbers;
    private int acknowledged;
    private @Nullable Doubt doubt;

    /** What a volume holds, and a snapshot: the byte that fills its beginning. */
    private record State(long size, int fill) {}

    private static final class Volume {
        final String prefix;
        final long owner;
        final String file;
        final String format;
        final boolean isBase;
        State state;
        final Map<String, State> snapshots = new LinkedHashMap<>();

        Volume(String prefix, long owner, String file, String format, boolean isBase, State state) {
            this.prefix = prefix;
            this.owner = owner;
            this.file = file;
            this.format = format;
            this.isBase = isBase;
            this.state = state;
        }

        String name() {
            return prefix + plain();
        }

        /** A listing knows the base image of a clone by what it is based on, which is a snapshot in a chain. */
        String listed(boolean hasChains) {
            return hasChains && !snapshots.isEmpty() ? plain() : name();
        }

        String plain() {
            return owner + "/" + file;
        }

        Volume renamed(String otherPrefix, long otherOwner, String otherFile, boolean base) {
            Volume other = new Volume(otherPrefix, otherOwner, otherFile, format, base, state);
            other.snapshots.putAll(snapshots);
            return other;
        }

        Volume copy() {
            return renamed(prefix, owner, file, isBase);
        }
    }

    /**
     * A call in doubt.
     *
     * @param before the volume before it, null if there was none
     * @param after the volume after it, null if there is none; its file is empty if the plugin chooses the name
     */
    private record Doubt(
            String operation,
            @Nullable Volume before,
            @Nullable Volume after) {}

    public MutatingWork(PerlCaller perl, String id, Path path, boolean hasChains, long seed) {
        this.perl = perl;
        this.id = id;
        this.path = path;
        this.hasChains = hasChains;
        random = new Random(seed);
        section.put("type", "tenondir");
        section.put("path", path.toString());
        section.put("content", Map.of("images", 1));
        if (hasChains) {
            section.put("snapshot-as-volume-chain", 1);
        }
    }

    public String id() {
        return id;
    }

    public Path path() {
        return path;
    }

    public boolean hasChains() {
        return hasChains;
    }

    /** Lets everything be removed. */
    public void makeMutable() {
        Images.run(List.of("chattr", "-R", "-f", "-i", path.toString()));
    }

    /** How many changes have been acknowledged. */
    public int acknowledged() {
        return acknowledged;
    }

    /** What is in doubt, for people. */
    public String doubt() {
        return doubt == null ? "nothing" : doubt.operation();
    }

    /** Activates the storage. */
    public void activate() {
        perl.nothing("activate_storage", id, section, Map.of()).value();
    }

    /** Makes one change; false if the answer did not come. */
    public boolean step() {
        List<Runnable> choices = new ArrayList<>();
        List<Volume> all = List.copyOf(volumes.values());
        if (all.size() < MOST_VOLUMES) {
            choices.add(this::alloc);
            choices.add(this::alloc);
            pick(all, volume -> volume.isBase).ifPresent(base -> choices.add(() -> cloneOf(base)));
        }
        pick(all, volume -> clonesOf(volume).isEmpty()).ifPresent(volume -> choices.add(() -> free(volume)));
        pick(
                        all,
                        volume -> !volume.isBase
                                && volume.snapshots.isEmpty()
                                && all.stream().filter(v -> v.isBase).count() < 3)
                .ifPresent(volume -> choices.add(() -> createBase(volume)));
        pick(
                        all,
                        volume -> !volume.isBase
                                && !volume.format.equals("subvol")
                                && (!hasChains || volume.snapshots.isEmpty()))
                .ifPresent(volume -> choices.add(() -> rename(volume)));
        pick(all, volume -> !volume.isBase && !volume.format.equals("subvol"))
                .ifPresent(volume -> choices.add(() -> resize(volume)));
        pick(all, volume -> canHaveSnapshots(volume) && volume.snapshots.size() < MOST_SNAPSHOTS)
                .ifPresent(volume -> {
                    choices.add(() -> snapshot(volume));
                    choices.add(() -> snapshot(volume));
                });
        pick(all, volume -> !volume.snapshots.isEmpty()).ifPresent(volume -> {
            choices.add(() -> rollback(volume));
            choices.add(() -> deleteSnapshot(volume));
            choices.add(() -> deleteSnapshot(volume));
            choices.add(() -> deleteSnapshot(volume));
        });
        choices.get(random.nextInt(choices.size())).run();
        return doubt == null;
    }

    private Optional<Volume> pick(List<Volume> all, Predicate<Volume> condition) {
        List<Volume> fit = all.stream().filter(condition).toList();
        return fit.isEmpty() ? Optional.empty() : Optional.of(fit.get(random.nextInt(fit.size())));
    }

    private List<Volume> clonesOf(Volume base) {
        return volumes.values().stream()
                .filter(volume -> volume.prefix.equals(base.plain() + "/"))
                .toList();
    }

    private static boolean canHaveSnapshots(Volume volume) {
        return volume.format.equals("qcow2") && !volume.isBase;
    }

    private long owner() {
        return OWNERS[random.nextInt(OWNERS.length)];
    }

    private void alloc() {
        int kind = random.nextInt(8);
        String format = kind < 5 ? "qcow2" : kind < 7 ? "raw" : "subvol";
        long owner = owner();
        String file =
                (format.equals("subvol") ? "subvol-" : "vm-") + owner + "-disk-" + (1000 + numbers++) + "." + format;
        long kib = format.equals("subvol") ? 0 : 1024L * (4 + random.nextInt(60));
        Volume made = new Volume("", owner, file, format, false, new State(kib * 1024, 0));
        if (call("alloc_image", null, made, id, section, owner, format, file, kib)) {
            write(made);
        }
    }

    /** As a guest does. */
    private void write(Volume volume) {
        if (volume.format.equals("subvol")) {
            try {
                for (int i = 0; i < 40; i++) {
                    Files.writeString(
                            Files.createDirectories(file(volume).resolve("d" + i))
                                    .resolve("file"),
                            "content");
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return;
        }
        int fill = 1 + random.nextInt(250);
        Images.fill(file(volume), volume.format, fill);
        volume.state = new State(volume.state.size(), fill);
    }

    private void free(Volume volume) {
        call("free_image", volume, null, id, section, volume.name(), volume.isBase ? 1 : 0, volume.format);
    }

    private void createBase(Volume volume) {
        Volume base =
                volume.renamed(volume.prefix, volume.owner, volume.file.replaceFirst("^(?:vm|subvol)-", "base-"), true);
        call("create_base", volume, base, id, section, volume.name());
    }

    private void cloneOf(Volume base) {
        if (base.format.equals("subvol")) {
            alloc();
            return;
        }
        Volume clone = new Volume(base.plain() + "/", owner(), "", "qcow2", false, base.state);
        callNaming("clone_image", null, clone, section, id, base.name(), clone.owner, null);
    }

    private void rename(Volume volume) {
        long owner = owner();
        String file = "vm-" + owner + "-disk-" + (1000 + numbers++) + "." + volume.format;
        Volume renamed = volume.renamed(volume.prefix, owner, file, false);
        call("rename_volume", volume, renamed, section, id, volume.name(), owner, renamed.plain());
    }

    private void resize(Volume volume) {
        Volume larger = volume.copy();
        larger.state = new State(volume.state.size() + STEP_BYTES, volume.state.fill());
        call("volume_resize", volume, larger, section, id, volume.name(), larger.state.size(), 0);
    }

    private void snapshot(Volume volume) {
        Volume after = volume.copy();
        String name = "s" + numbers++;
        after.snapshots.put(name, volume.state);
        if (call("volume_snapshot", volume, after, section, id, volume.name(), name) && random.nextBoolean()) {
            write(after);
        }
    }

    private void rollback(Volume volume) {
        List<String> names = List.copyOf(volume.snapshots.keySet());
        String name = hasChains ? names.getLast() : names.get(random.nextInt(names.size()));
        Volume after = volume.copy();
        after.state = Objects.requireNonNull(volume.snapshots.get(name));
        call("volume_snapshot_rollback", volume, after, section, id, volume.name(), name);
    }

    private void deleteSnapshot(Volume volume) {
        List<String> names = List.copyOf(volume.snapshots.keySet());
        String name = names.get(random.nextInt(names.size()));
        Volume after = volume.copy();
        after.snapshots.remove(name);
        call("volume_snapshot_delete", volume, after, section, id, volume.name(), name, 0);
    }

    private boolean call(
            String method, @Nullable Volume before, @Nullable Volume after, @Nullable Object... arguments) {
        return answered(method, before, after, perl.scalar(method, arguments), false);
    }

    private void callNaming(String method, @Nullable Volume before, Volume after, @Nullable Object... arguments) {
        answered(method, before, after, perl.scalar(method, arguments), true);
    }

    private boolean answered(
            String method, @Nullable Volume before, @Nullable Volume after, PerlCaller.Answer answer, boolean isNamed) {
        String error = answer.error();
        if (error != null) {
            if (LOST.stream().noneMatch(error::contains)) {
                throw new AssertionError(
                        method + " of " + (before == null ? "a new volume" : before.name()) + " died: " + error);
            }
            doubt = new Doubt(method, before, after);
            return false;
        }
        acknowledged++;
        if (before != null) {
            volumes.remove(before.name());
        }
        if (after != null) {
            Volume made = isNamed ? named(after, String.valueOf(answer.result())) : after;
            volumes.put(made.name(), made);
            changed.add(made.name());
        }
        return true;
    }

    private static Volume named(Volume volume, String name) {
        return volume.renamed(volume.prefix, volume.owner, name.substring(name.lastIndexOf('/') + 1), volume.isBase);
    }

    /** What a listing says of an image. */
    private record Listed(String format, long size) {}

    private Map<String, Listed> listing() {
        Map<String, Listed> listing = new HashMap<>();
        Object images =
                perl.scalar("list_images", id, section, null, null, Map.of()).value();
        for (Object image : (List<?>) Objects.requireNonNull(images)) {
            Map<?, ?> fields = (Map<?, ?>) image;
            listing.put(
                    String.valueOf(fields.get("volid")).substring(id.length() + 1),
                    new Listed(
                            String.valueOf(fields.get("format")), Long.parseLong(String.valueOf(fields.get("size")))));
        }
        return listing;
    }

    /**
     * Checks after a crash, before anything is repaired: what was acknowledged is listed as it must be, and nothing else is
     * but one side of what is in doubt.
     */
    public void checkListing() {
        Map<String, Listed> listing = listing();
        Doubt open = doubt;
        for (Volume volume : volumes.values()) {
            if (open != null && open.before() != null && open.before().name().equals(volume.name())) {
                continue;
            }
            Listed listed = listing.remove(volume.listed(hasChains));
            if (!new Listed(volume.format, volume.state.size()).equals(listed)) {
                throw new AssertionError(
                        "acknowledged volume " + volume.name() + " of " + volume.state + " is listed as " + listed);
            }
        }
        if (open == null) {
            if (!listing.isEmpty()) {
                throw new AssertionError("nobody made " + listing);
            }
            return;
        }
        if (listing.size() > 1 || (listing.isEmpty() && open.before() != null && open.after() != null)) {
            throw new AssertionError(open.operation() + " is in doubt, and listed are " + listing);
        }
        listing.forEach((name, listed) -> {
            boolean isEither = is(open.before(), name, listed) || is(open.after(), name, listed);
            if (!isEither) {
                throw new AssertionError(open.operation() + " is in doubt, and listed is " + name + " " + listed);
            }
        });
    }

    private boolean is(@Nullable Volume volume, String name, Listed listed) {
        if (volume == null || !listed.equals(new Listed(volume.format, volume.state.size()))) {
            return false;
        }
        return volume.file.isEmpty()
                ? name.startsWith(volume.prefix + volume.owner + "/")
                : volume.listed(hasChains).equals(name);
    }

    /** Looks, after the repair, which side of what is in doubt came true, and goes on from there. */
    public void settle() {
        Doubt open = doubt;
        if (open == null) {
            return;
        }
        Map<String, Listed> listing = listing();
        Volume before = open.before();
        if (before != null) {
            volumes.remove(before.name());
        }
        Set<String> certain = names();
        Optional<Volume> outcome = listing.entrySet().stream()
                .filter(entry -> !certain.contains(entry.getKey()))
                .map(entry -> either(open, entry.getKey(), entry.getValue()))
                .findFirst();
        boolean mayBeNone = before == null || open.after() == null;
        if (outcome.isEmpty() && !mayBeNone) {
            throw new AssertionError(open.operation() + " left nothing: " + listing);
        }
        outcome.ifPresent(volume -> {
            volumes.put(volume.name(), volume);
            changed.add(volume.name());
        });
        if (outcome.isEmpty() && before != null) {
            refuseFilesOf(before);
        }
        doubt = null;
    }

    private Set<String> names() {
        return volumes.values().stream().map(volume -> volume.listed(hasChains)).collect(Collectors.toSet());
    }

    private Volume either(Doubt open, String name, Listed listed) {
        List<Volume> fit = new ArrayList<>();
        for (Volume candidate : new Volume[] {open.before(), open.after()}) {
            if (candidate != null && is(candidate, name, listed)) {
                Volume volume = candidate.file.isEmpty() ? named(candidate, name) : candidate;
                if (isAsItMustBe(volume)) {
                    fit.add(volume);
                }
            }
        }
        if (fit.isEmpty()) {
            throw new AssertionError(open.operation() + " left " + name + " " + listed
                    + ", which is neither what it was nor" + " what it was to be; snapshots " + snapshotsOf(name));
        }
        return fit.getFirst();
    }

    private boolean isAsItMustBe(Volume volume) {
        try {
            check(volume);
            return true;
        } catch (AssertionError e) {
            return false;
        }
    }

    /** Checks everything that changed since the last time, or all. */
    public void checkContents(boolean all) {
        if (!listing().keySet().equals(names())) {
            throw new AssertionError("listed are " + listing().keySet() + " and acknowledged are " + names());
        }
        volumes.values().stream()
                .filter(volume -> all || changed.contains(volume.name()))
                .forEach(this::check);
        changed.clear();
    }

    private Set<String> snapshotsOf(String name) {
        Object info = perl.scalar("volume_snapshot_info", section, id, name).value();
        return ((Map<?, ?>) Objects.requireNonNull(info))
                .keySet().stream()
                        .map(String::valueOf)
                        .filter(snapshot -> !snapshot.equals("current"))
                        .collect(Collectors.toSet());
    }

    private void check(Volume volume) {
        Path file = file(volume);
        if (volume.format.equals("subvol")) {
            if (!Files.isDirectory(file)) {
                throw new AssertionError("'" + file + "' is no directory");
            }
            return;
        }
        if (!Images.isFilled(file, volume.format, volume.state.fill())) {
            throw new AssertionError("'" + file + "' cannot be read or does not hold " + volume.state);
        }
        if (!volume.format.equals("qcow2")) {
            return;
        }
        require(Images.check(file).isEmpty(), () -> "'" + file + "': " + Images.check(file));
        Set<String> snapshots = snapshotsOf(volume.name());
        require(
                snapshots.equals(volume.snapshots.keySet()),
                () -> volume.name() + " has the snapshots " + snapshots + " and should have "
                        + volume.snapshots.keySet());
        if (hasChains) {
            volume.snapshots.forEach((name, state) -> {
                Path snapshot = file.resolveSibling("snap-" + name + "-" + volume.file);
                require(
                        Images.isFilled(snapshot, "qcow2", state.fill()),
                        () -> "'" + snapshot + "' cannot be read or does not hold " + state);
            });
        }
    }

    private static void require(boolean condition, Supplier<String> otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise.get());
        }
    }

    private void refuseFilesOf(Volume gone) {
        Path directory = file(gone).resolveSibling(".").normalize();
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (var files = Files.list(directory)) {
            List<Path> left =
                    files.filter(file -> file.toString().endsWith(gone.file)).toList();
            if (!left.isEmpty()) {
                throw new AssertionError(gone.name() + " is removed, and left are " + left);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path file(Volume volume) {
        return path.resolve("images").resolve(volume.plain());
    }
}

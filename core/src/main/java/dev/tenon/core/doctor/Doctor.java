package dev.tenon.core.doctor;

import dev.tenon.core.journal.Journal;
import dev.tenon.core.journal.JournalEntry;
import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Certainty;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Finding.Remedy;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Tells what interrupted operations left in a storage, and repairs what can be repaired without any risk. */
public final class Doctor {
    /** Repairing one thing may reveal another, for instance an empty directory. */
    private static final int MOST_PASSES = 8;

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final Journal journal;

    public Doctor(Journal journal) {
        this.journal = journal;
    }

    /**
     * What a repair came to.
     *
     * @param repaired what is put right
     * @param left what is still wrong
     */
    public record Report(List<Finding> repaired, List<Finding> left) {
        public Report {
            repaired = List.copyOf(repaired);
            left = List.copyOf(left);
        }
    }

    /**
     * Looks, and changes nothing. The unfinished work of a running operation is not a finding.
     *
     * @param plugin the plugin of its type; if it is not {@link Examinable}, only the journal is read
     * @throws StorageException if the storage or the journal cannot be read
     */
    public List<Finding> examine(Storage storage, StoragePlugin plugin) {
        List<JournalEntry> entries = entries(storage.id());
        Set<String> busy = entries.stream()
                .filter(JournalEntry::isRunning)
                .flatMap(entry -> Optional.ofNullable(entry.parameters().get("volume")).stream())
                .map(volume -> volume.substring(volume.lastIndexOf('/') + 1))
                .collect(Collectors.toSet());
        List<JournalEntry> interrupted = entries.stream()
                .filter(entry -> entry.isComplete() && !entry.isRunning())
                .toList();
        List<Finding> findings = new ArrayList<>();
        Optional<Examinable> examinable = plugin.examinable();
        if (examinable.isPresent()) {
            examinable
                    .get()
                    .examine(
                            storage,
                            interrupted.stream()
                                    .flatMap(entry -> entry.asInterruption().stream())
                                    .toList())
                    .stream()
                    .filter(finding -> busy.stream().noneMatch(finding.place()::endsWith))
                    .forEach(findings::add);
        }
        Optional<Set<String>> images =
                interrupted.isEmpty() || examinable.isPresent() ? Optional.empty() : images(storage, plugin);
        interrupted.forEach(entry -> findings.add(
                examinable.isPresent() && entry.asInterruption().isPresent()
                        ? forgettable(entry)
                        : interruption(
                                entry,
                                images.flatMap(listed -> now(entry, listed)).orElse(""),
                                new Remedy.ByHand("look at the storage whether it took effect, then run 'tenon doctor "
                                        + entry.storage() + " --forget'"))));
        return List.copyOf(findings);
    }

    private List<JournalEntry> entries(StorageId storage) {
        return journal.entries().stream()
                .filter(entry -> entry.storage().equals(storage.value()))
                .toList();
    }

    /**
     * Removes the journal's entries of a storage's interrupted operations, once somebody knows what they did.
     *
     * @return them
     */
    public List<Finding> forget(StorageId storage) {
        List<JournalEntry> known = journal.interrupted().stream()
                .filter(entry -> entry.storage().equals(storage.value()))
                .toList();
        known.forEach(journal::forget);
        return known.stream()
                .map(entry -> interruption(entry, "", new Remedy.ByHand("nothing; the journal has forgotten it")))
                .toList();
    }

    /** The interrupted operations of all other storages; somebody must examine those. */
    public List<Finding> others(Set<StorageId> examined) {
        Set<String> known = examined.stream().map(StorageId::value).collect(Collectors.toSet());
        return journal.interrupted().stream()
                .filter(entry -> !known.contains(entry.storage()))
                .map(entry -> new Finding(
                        Kind.INTERRUPTED,
                        journal.file(entry).toString(),
                        sentence(entry),
                        Certainty.SURE,
                        new Remedy.ByHand("examine storage '" + entry.storage()
                                + "' too; if there is no such storage any more, run 'tenon doctor " + entry.storage()
                                + " --forget'"),
                        entry.id()))
                .toList();
    }

    /** An examination finds what it left, and so what is to be done. */
    private Finding forgettable(JournalEntry entry) {
        return interruption(
                entry,
                "",
                new Remedy.Automatic("forget it once nothing that it left is found", () -> journal.forget(entry)));
    }

    private Finding interruption(JournalEntry entry, String now, Remedy remedy) {
        return new Finding(
                Kind.INTERRUPTED,
                journal.file(entry).toString(),
                sentence(entry) + now,
                Certainty.SURE,
                remedy,
                entry.id());
    }

    /** What a storage lists; only a person can judge it. Empty if it is inactive or does not answer. */
    private static Optional<Set<String>> images(Storage storage, StoragePlugin plugin) {
        try {
            OperationCache cache = OperationCache.create();
            return plugin.status(storage, cache) instanceof StorageStatus.Active
                    ? Optional.of(plugin.listImages(storage, ImageFilter.all(), cache).stream()
                            .map(image -> image.volid().volume().value())
                            .collect(Collectors.toSet()))
                    : Optional.empty();
        } catch (StorageException e) {
            return Optional.empty();
        }
    }

    /** Whether the image of an operation is there, as the end of a sentence. */
    private static Optional<String> now(JournalEntry entry, Set<String> listed) {
        return Optional.ofNullable(entry.parameters().get("volume"))
                .or(() -> Optional.ofNullable(entry.parameters().get("name")))
                .map(name -> listed.stream().anyMatch(volume -> volume.equals(name) || volume.endsWith("/" + name))
                        ? "; the storage lists '" + name + "' now"
                        : "; the storage lists no image '" + name + "' now");
    }

    private static String sentence(JournalEntry entry) {
        String when = entry.started() == null ? "" : ", begun at " + entry.started();
        String problem = entry.problem();
        if (problem != null) {
            return entry + when + ", failed, and whether it took effect is not known: " + problem;
        }
        return entry + when + ", was interrupted"
                + (entry.process() == null ? "" : ": process " + entry.process().pid() + " has ended");
    }

    /**
     * Looks, and repairs. Operations of this node that want to begin on the storage are refused meanwhile. May be
     * interrupted and repeated.
     *
     * @param plugin as for {@link #examine}
     * @param lock the storage's; held for each repair
     * @throws StorageException {@code IN_USE}, {@code NOT_STARTED} if an operation of the storage is running and does not
     *     end, or somebody else repairs it
     */
    public Report repair(Storage storage, StoragePlugin plugin, ExclusiveLock lock) {
        return journal.repairing(storage.id(), () -> {
            awaitIdle(storage.id());
            journal.discardUnbegun();
            return repairIdle(storage, plugin, lock);
        });
    }

    private void awaitIdle(StorageId storage) {
        long limit = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            Optional<JournalEntry> running =
                    entries(storage).stream().filter(JournalEntry::isRunning).findFirst();
            if (running.isEmpty()) {
                return;
            }
            if (System.nanoTime() > limit || Thread.currentThread().isInterrupted()) {
                throw StorageException.refused(
                        StorageError.IN_USE,
                        "storage '" + storage + "' is not repaired, because " + running.get()
                                + " is running; repeat it when that has ended");
            }
            LockSupport.parkNanos(PAUSE.toNanos());
        }
    }

    private record Target(Kind kind, String place, @Nullable String interruption) {
        static Target of(Finding finding) {
            return new Target(finding.kind(), finding.place(), finding.interruption());
        }
    }

    private Report repairIdle(Storage storage, StoragePlugin plugin, ExclusiveLock lock) {
        List<Finding> repaired = new ArrayList<>();
        Map<Target, String> tried = new HashMap<>();
        List<Finding> left = List.of();
        for (int pass = 0; pass < MOST_PASSES; pass++) {
            left = new ArrayList<>();
            int before = repaired.size();
            Set<String> unsolved = new HashSet<>();
            for (Finding finding : examine(storage, plugin)) {
                Optional<Finding> remaining =
                        finding.kind() == Kind.INTERRUPTED && unsolved.contains(String.valueOf(finding.interruption()))
                                ? Optional.of(finding)
                                : repair(finding, lock, tried);
                if (remaining.isPresent()) {
                    left.add(remaining.get());
                    unsolved.add(String.valueOf(finding.interruption()));
                } else {
                    repaired.add(finding);
                }
            }
            if (repaired.size() == before) {
                break;
            }
        }
        return new Report(repaired, left);
    }

    /** What remains of the finding, empty if nothing does. */
    private static Optional<Finding> repair(Finding finding, ExclusiveLock lock, Map<Target, String> tried) {
        if (!(finding.remedy() instanceof Remedy.Automatic automatic)) {
            return Optional.of(finding);
        }
        Target target = Target.of(finding);
        String failure = tried.putIfAbsent(target, "had no effect");
        if (failure == null) {
            try {
                lock.hold(null, () -> {
                    automatic.work().run();
                    return true;
                });
                return Optional.empty();
            } catch (StorageException e) {
                failure = "failed: " + e.getMessage();
                tried.put(target, failure);
            }
        }
        return Optional.of(byHand(finding, "its repair (" + automatic.words() + ") " + failure));
    }

    private static Finding byHand(Finding finding, String words) {
        return new Finding(
                finding.kind(),
                finding.place(),
                finding.what(),
                finding.certainty(),
                new Remedy.ByHand(words),
                finding.interruption());
    }
}

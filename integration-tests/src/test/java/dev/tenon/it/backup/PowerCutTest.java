package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryKeys;
import dev.tenon.core.backup.repository.SnapshotId;
import dev.tenon.core.backup.repository.Unlocking;
import dev.tenon.core.backup.repository.Verifier;
import dev.tenon.core.storage.common.SecretFile;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.Strace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A power cut at any moment of a repository's life, as its system calls show it: every beginning of them with all and with
 * nothing of what was not synced, every single such step lost or torn, and 1,000 parts of them by chance. A few of these by
 * seed; {@code -Dtenon.cuts=all} for every one.
 */
class PowerCutTest {
    private static final String CUTS = System.getProperty("tenon.cuts", "200");
    private static final int SUBSETS = 1000;

    private record Cut(int until, BitSet lost, int torn) {}

    @Test
    void whateverReachedTheDiskOpensWellAndHasWhatWasAcknowledged(Scratch scratch) throws Exception {
        cutEverywhere(scratch, null);
    }

    /** Of a repository with keys and parity, of which packs are damaged, healed and repaired. */
    @Test
    void whatIsHealedOrRepairedIsWholeWheneverThePowerIsCut(Scratch scratch) throws Exception {
        cutEverywhere(scratch, Unlocking.KeyFile.generate());
    }

    private static void cutEverywhere(Scratch scratch, Unlocking.@Nullable KeyFile key) throws Exception {
        DiskTrace trace = recorded(scratch, key);
        List<DiskTrace.Step> steps = trace.steps();
        assertThat(steps).hasSizeGreaterThan(200).contains(new DiskTrace.Step.Said("ended"));
        List<Cut> cuts = cuts(trace);
        int all = cuts.size();
        if (!CUTS.equals("all")) {
            Collections.shuffle(cuts, new Random(17));
            cuts = cuts.subList(0, Math.min(all, Integer.parseInt(CUTS)));
        }
        Path memory = Path.of("/dev/shm");
        Path disk = Files.createTempDirectory(Files.isWritable(memory) ? memory : scratch.root(), "tenon-cut-");
        try {
            for (Cut cut : cuts) {
                Path place = disk.resolve("repository");
                try {
                    trace.after(cut.until, cut.lost, cut.torn).writeTo(trace.root(), place);
                    check(place, steps, cut, key);
                } catch (IOException | RuntimeException | AssertionError e) {
                    throw new AssertionError(
                            cut + " of " + steps.size() + ", after "
                                    + steps.subList(Math.max(0, cut.until - 5), cut.until) + ", lost "
                                    + cut.lost.stream().mapToObj(steps::get).toList(),
                            e);
                }
                remove(place);
            }
        } finally {
            remove(disk);
        }
        System.err.println(steps.size() + " steps, " + cuts.size() + " of " + all + " states");
    }

    private static DiskTrace recorded(Scratch scratch, Unlocking.@Nullable KeyFile key) throws Exception {
        Path place = scratch.file("recorded");
        List<String> arguments = new ArrayList<>(List.of(place.toString()));
        if (key != null) {
            arguments.add(Files.writeString(scratch.file("key"), key.text()).toString());
        }
        return recorded(scratch, place, PowerCutWork.class, arguments);
    }

    private static DiskTrace recorded(Scratch scratch, Path place, Class<?> program, List<String> arguments)
            throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
        command.addAll(arguments);
        Strace.Program recorded = Strace.recorded(scratch, DiskTrace.CALLS, command);
        assertThat(recorded.awaitEnd()).as(recorded.errors()).isZero();
        return DiskTrace.of(recorded.calls(), place);
    }

    /** Every cut that is asked for. */
    private static List<Cut> cuts(DiskTrace trace) {
        List<Cut> cuts = new ArrayList<>();
        int count = trace.steps().size();
        Random random = new Random(3);
        List<List<Integer>> unsure = new ArrayList<>();
        for (int until = 0; until <= count; until++) {
            List<Integer> each = trace.unsure(until);
            unsure.add(each);
            cuts.add(new Cut(until, new BitSet(), -1));
            if (each.isEmpty()) {
                continue;
            }
            BitSet none = new BitSet();
            each.forEach(none::set);
            cuts.add(new Cut(until, none, -1));
            for (int step : each) {
                BitSet one = new BitSet();
                one.set(step);
                cuts.add(new Cut(until, one, -1));
                if (trace.steps().get(step) instanceof DiskTrace.Step.Write) {
                    cuts.add(new Cut(until, new BitSet(), step));
                }
            }
        }
        for (int i = 0; i < SUBSETS; i++) {
            int until = random.nextInt(count + 1);
            BitSet lost = new BitSet();
            int torn = -1;
            for (int step : unsure.get(until)) {
                if (random.nextBoolean()) {
                    lost.set(step);
                } else if (random.nextInt(3) == 0) {
                    torn = step;
                }
            }
            cuts.add(new Cut(until, lost, torn));
        }
        return cuts;
    }

    private static void check(Path place, List<DiskTrace.Step> steps, Cut cut, Unlocking.@Nullable KeyFile key)
            throws IOException {
        Set<SnapshotId> published = new HashSet<>();
        Set<SnapshotId> forgotten = new HashSet<>();
        boolean isMade = false;
        boolean isHurt = false;
        for (DiskTrace.Step step : steps.subList(0, cut.until)) {
            if (step instanceof DiskTrace.Step.Said(String line)) {
                isMade |= line.equals("made");
                isHurt = line.equals("hurting") || (isHurt && !line.equals("whole"));
                if (line.startsWith("published ")) {
                    published.add(PowerCutWork.id(Integer.parseInt(line.substring("published ".length()))));
                } else if (line.startsWith("forgetting ")) {
                    forgotten.add(PowerCutWork.id(Integer.parseInt(line.substring("forgetting ".length()))));
                }
            }
        }
        if (!Repository.isOne(place)) {
            assertThat(isMade).as("it was made").isFalse();
            return;
        }
        try (Repository repository = Repository.open(place, key)) {
            List<SnapshotId> listed = repository.list("default");
            published.removeAll(forgotten);
            assertThat(listed).containsAll(published);
            if (isHurt) {
                assertThat(repository.repair().lost()).isEmpty();
            }
            Verifier.Verified verified = repository.verify();
            assertThat(verified.packs()).isEmpty();
            assertThat(verified.snapshots()).isEmpty();
            for (SnapshotId id : listed) {
                assertThat(PowerCutWork.isGood(repository, id)).as("%s", id).isTrue();
                repository
                        .base("default", id.type(), id.guest(), "keep")
                        .ifPresent(base -> assertThat(listed).contains(base.id()));
            }
            repository.collect();
            if (key != null) {
                assertThat(repository.keys().slots()).noneMatch(RepositoryKeys.Slot::isDamaged);
                assertThat(repository.repair().lost())
                        .as("parity that was not written yet is made")
                        .isEmpty();
            }
            assertThat(repository.verify().isSound()).isTrue();
            assertThat(repository.list("default")).isEqualTo(listed);
            for (SnapshotId id : listed) {
                assertThat(PowerCutWork.isGood(repository, id)).as("%s", id).isTrue();
            }
            if (cut.until % 10 == 0) {
                PowerCutWork.backUp(repository, 9);
                assertThat(PowerCutWork.isGood(repository, PowerCutWork.id(9))).isTrue();
            }
        }
    }

    @Test
    void aSecretThatWasWrittenIsThereAfterAPowerCut(Scratch scratch) throws Exception {
        Path place = scratch.file("secrets");
        DiskTrace trace = recorded(scratch, place, WrittenSecret.class, List.of(place.toString()));
        int end = trace.steps().indexOf(new DiskTrace.Step.Said("written"));
        assertThat(end).isPositive();
        BitSet lost = new BitSet();
        trace.unsure(end).forEach(lost::set);
        Path disk = scratch.file("disk");

        trace.after(end, lost, -1).writeTo(trace.root(), disk);

        assertThat(disk.resolve("keep.enc")).hasContent("secret");
    }

    /** A program that writes a secret, and says so. */
    static final class WrittenSecret {
        private WrittenSecret() {}

        public static void main(String[] arguments) {
            new SecretFile(Path.of(arguments[0]).resolve("keep.enc")).write("secret", "rw-------");
            System.out.println("written");
        }
    }

    private static void remove(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        List<Path> found;
        try (Stream<Path> all = Files.walk(directory)) {
            found = all.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : found) {
            Files.delete(path);
        }
    }
}

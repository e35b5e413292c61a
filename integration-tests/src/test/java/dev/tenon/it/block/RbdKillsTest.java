package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.doctor.Doctor;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Scratch;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** A program that changes images of a cluster, and the commands it has started, get kill -9 at random moments. */
class RbdKillsTest {
    private static final int KILLS = Integer.getInteger("tenon.kills", Boolean.getBoolean("tenon.full") ? 20 : 1);
    private static final long SEED = Long.getLong("tenon.seed", 20_260_726L);
    private static final int LONGEST_WORK_MILLIS = 3000;

    @Test
    void nothingIsLostAndTheDoctorRepairsOrShowsWhatIsLeft(Scratch scratch) throws Exception {
        RbdLab lab = RbdLab.start(scratch);
        Path journal = Files.createDirectory(scratch.file("journal"));
        Random random = new Random(SEED);
        StoragePlugin plugin = lab.plugin();
        Storage storage = lab.storage(Map.of());
        Map<String, Integer> found = new HashMap<>();
        for (int kill = 0; kill < KILLS; kill++) {
            Path done = scratch.file("done" + kill);
            work(lab, scratch, journal, done, random, kill * 1000);
            Doctor doctor = new Doctor(new Journal(journal));
            Doctor.Report report =
                    doctor.repair(storage, plugin, lab.host().locks().storage(storage.id(), true));
            report.repaired().forEach(finding -> found.merge(finding.kind().word(), 1, Integer::sum));
            List<String> lines = Files.readAllLines(done);
            String[] last = lines.getLast().split(" ", -1);
            for (Finding left : report.left()) {
                // What an interrupted removal or rollback left is a person's to judge.
                assertThat(last[0] + " " + last[1])
                        .as("kill %d, seed %d: %s", kill, SEED, left)
                        .isIn("begin free", "begin rollback");
                found.merge("left " + left.kind().word(), 1, Integer::sum);
            }
            check(plugin, storage, lines);
            for (VolumeName volume : volumes(plugin, storage)) {
                removed(plugin, storage, volume);
            }
            doctor.forget(storage.id());
            assertThat(lab.rbd("ls", "rbd"))
                    .as("what is left when every volume is removed")
                    .isBlank();
        }
        System.err.println(KILLS + " kills, seed " + SEED + ", found: " + found);
    }

    private static void work(RbdLab lab, Scratch scratch, Path journal, Path done, Random random, int number)
            throws IOException, InterruptedException {
        List<String> command = List.of(
                System.getProperty("java.home") + "/bin/java",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                RbdWork.class.getName(),
                lab.host().programs().toString(),
                scratch.root().toString(),
                lab.ceph().monitor(),
                journal.toString(),
                done.toString(),
                Long.toString(random.nextLong()),
                Integer.toString(number));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(new File(done + ".log"))
                .start();
        await().atMost(Duration.ofMinutes(2)).until(() -> Files.exists(done) || !process.isAlive());
        boolean hasEnded = process.waitFor(random.nextInt(LONGEST_WORK_MILLIS), TimeUnit.MILLISECONDS);
        assertThat(hasEnded).as(() -> text(Path.of(done + ".log"))).isFalse();
        List<ProcessHandle> commands = process.descendants().toList();
        process.destroyForcibly().waitFor();
        // As if the machine had been switched off.
        commands.forEach(ProcessHandle::destroyForcibly);
        for (ProcessHandle each : commands) {
            each.onExit().join();
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** What was acknowledged is there; what was interrupted is done or not, and nothing between. */
    private static void check(StoragePlugin plugin, Storage storage, List<String> lines) {
        Set<String> volumes = new TreeSet<>();
        Map<String, Set<String>> snapshots = new HashMap<>();
        for (String line : lines) {
            String[] words = line.split(" ", -1);
            if (words[0].equals("end")) {
                switch (words[1]) {
                    case "alloc" -> volumes.add(words[2]);
                    case "free" -> volumes.remove(words[2]);
                    case "base" -> {
                        volumes.remove(words[2]);
                        String base = words[2].replaceFirst("^vm-", "base-");
                        volumes.add(base);
                        snapshots
                                .computeIfAbsent(base, name -> new TreeSet<>())
                                .addAll(snapshots.getOrDefault(words[2], Set.of()));
                        snapshots.get(base).add("__base__");
                    }
                    case "snapshot" ->
                        snapshots
                                .computeIfAbsent(words[2], name -> new TreeSet<>())
                                .add(words[3]);
                    case "delete" ->
                        snapshots.getOrDefault(words[2], new TreeSet<>()).remove(words[3]);
                    default -> {}
                }
            }
        }
        String[] last = lines.getLast().split(" ", -1);
        boolean isInDoubt = last[0].equals("begin");
        Set<String> found =
                volumes(plugin, storage).stream().map(VolumeName::value).collect(Collectors.toCollection(TreeSet::new));
        for (Set<String> each : List.of(volumes, found)) {
            if (isInDoubt && Set.of("alloc", "free", "base").contains(last[1])) {
                each.remove(last[2]);
                each.remove(last[2].replaceFirst("^vm-", "base-"));
            }
        }
        assertThat(found).as("volumes after %s", lines.getLast()).isEqualTo(volumes);
        for (String name : found) {
            VolumeName volume = new VolumeName(name);
            Set<String> expected = new TreeSet<>(snapshots.getOrDefault(name, Set.of()));
            Set<String> listed = new TreeSet<>(plugin.snapshots(storage, volume).keySet());
            if (isInDoubt && last[2].equals(name) && last.length > 3 && !last[1].equals("rollback")) {
                expected.remove(last[3]);
                listed.remove(last[3]);
            }
            assertThat(listed)
                    .as("snapshots of %s after %s", name, lines.getLast())
                    .isEqualTo(expected);
            assertThat(plugin.volumeSizeInfo(storage, volume, null).size()).isNotNull();
        }
    }

    /** The cluster believes for a while that a killed command still has it open. */
    private static void removed(StoragePlugin plugin, Storage storage, VolumeName volume) {
        await().atMost(Duration.ofMinutes(2))
                .ignoreExceptionsMatching(
                        e -> e instanceof StorageException refused && refused.error() == StorageError.IN_USE)
                .until(() -> plugin.freeImage(storage, volume, false, null).isEmpty());
    }

    private static List<VolumeName> volumes(StoragePlugin plugin, Storage storage) {
        return plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                .map(image -> image.volid().volume())
                .toList();
    }
}

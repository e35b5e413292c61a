package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.doctor.Doctor;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A program that changes volumes of ZFS gets kill -9 at random moments, {@code -Dtenon.kills} times, in a guest. */
class ZfsKills {
    private static final int KILLS = Integer.getInteger("tenon.kills", 20);
    private static final long SEED = Long.getLong("tenon.seed", 20_261_201L);
    private static final int LONGEST_WORK_MILLIS = 6000;

    @BeforeAll
    static void prepare() {
        ZfsLab.prepare(ZfsLab.POOL, "4G");
    }

    @Test
    void nothingIsLostAndTheDoctorRepairsOrShowsWhatIsLeft() throws Exception {
        Path directory = Files.createTempDirectory("kills-");
        Path journal = Files.createDirectory(directory.resolve("journal"));
        Random random = new Random(SEED);
        StoragePlugin plugin = ZfsLab.plugin();
        Storage storage = ZfsLab.storage(ZfsLab.POOL, Map.of("sparse", "1"));
        Map<String, Integer> found = new HashMap<>();
        for (int kill = 0; kill < KILLS; kill++) {
            Path done = directory.resolve("done" + kill);
            work(journal, done, random, kill * 200);
            Doctor doctor = new Doctor(new Journal(journal));
            Doctor.Report report = doctor.repair(storage, plugin, Locks.ofHost().storage(storage.id(), false));
            report.repaired().forEach(finding -> found.merge(finding.kind().word(), 1, Integer::sum));
            List<String> lines = Files.readAllLines(done);
            for (Finding left : report.left()) {
                // What an interrupted removal or rollback left is a person's to judge.
                assertThat(lines.getLast())
                        .as("kill %d, seed %d: %s", kill, SEED, left)
                        .matches("begin (free|rollback) .*");
                found.merge("left " + left.kind().word(), 1, Integer::sum);
            }
            check(plugin, storage, lines);
            for (VolumeName volume : volumes(plugin, storage)) {
                plugin.freeImage(storage, volume, false, null);
            }
            doctor.forget(storage.id());
            assertThat(ZfsLab.names("filesystem,volume,snapshot", ZfsLab.POOL))
                    .as("what is left when every volume is removed")
                    .containsExactly(ZfsLab.POOL);
        }
        System.err.println(KILLS + " kills, seed " + SEED + ", found: " + found);
    }

    private static void work(Path journal, Path done, Random random, int number)
            throws IOException, InterruptedException {
        List<String> command = List.of(
                System.getProperty("java.home") + "/bin/java",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                ZfsWork.class.getName(),
                journal.toString(),
                done.toString(),
                Long.toString(random.nextLong()),
                Integer.toString(number));
        File log = new File(done + ".log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log)
                .start();
        await().atMost(Duration.ofMinutes(2)).until(() -> Files.exists(done) || !process.isAlive());
        boolean hasEnded = process.waitFor(random.nextInt(LONGEST_WORK_MILLIS), TimeUnit.MILLISECONDS);
        assertThat(hasEnded).as(Files.readString(log.toPath())).isFalse();
        List<ProcessHandle> commands = process.descendants().toList();
        process.destroyForcibly().waitFor();
        // As if the machine had been switched off.
        commands.forEach(ProcessHandle::destroyForcibly);
        for (ProcessHandle each : commands) {
            each.onExit().join();
        }
    }

    /** What was acknowledged is there; what was interrupted is done or not, and nothing between. */
    private static void check(StoragePlugin plugin, Storage storage, List<String> lines) {
        Map<String, List<String>> volumes = new TreeMap<>();
        for (String line : lines) {
            String[] words = line.split(" ", -1);
            if (words[0].equals("end")) {
                switch (words[1]) {
                    case "alloc" -> volumes.put(words[2], List.of());
                    case "snapshot" -> volumes.put(words[2], List.of("at"));
                    case "delete" -> volumes.put(words[2], List.of());
                    case "free" -> volumes.remove(words[2]);
                    case "base" -> {
                        volumes.remove(words[2]);
                        volumes.put(based(words[2]), List.of("__base__", "at"));
                    }
                    default -> {}
                }
            }
        }
        Map<String, List<String>> found = new TreeMap<>();
        for (VolumeName volume : volumes(plugin, storage)) {
            found.put(
                    volume.value(),
                    List.copyOf(plugin.snapshots(storage, volume).keySet()));
        }
        String[] last = lines.getLast().split(" ", -1);
        if (last[0].equals("begin")) {
            for (Map<String, List<String>> each : List.of(volumes, found)) {
                each.remove(last[2]);
                each.remove(based(last[2]));
            }
        }
        assertThat(found).as("after %s", lines.getLast()).isEqualTo(volumes);
    }

    private static String based(String volume) {
        return volume.replaceFirst("^vm-", "base-").replaceFirst("^subvol-", "basevol-");
    }

    private static List<VolumeName> volumes(StoragePlugin plugin, Storage storage) {
        return plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                .map(image -> image.volid().volume())
                .toList();
    }
}

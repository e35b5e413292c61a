package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.doctor.Doctor;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.lock.Locks;
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
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A program that changes volumes of LVM gets kill -9 at random moments, in a guest. */
class LvmKills {
    private static final int KILLS = Integer.getInteger("tenon.kills", Boolean.getBoolean("tenon.full") ? 20 : 2);
    private static final long SEED = Long.getLong("tenon.seed", 20_260_726L);
    private static final int LONGEST_WORK_MILLIS = 4000;

    /** What LVM and QEMU are called, which outlive who started them. */
    private static final Set<String> PROGRAMS =
            Set.of("lvs", "vgs", "lvcreate", "lvremove", "lvrename", "lvchange", "lvextend", "lvm", "qemu-img");

    @BeforeAll
    static void prepare() {
        Lab.prepare(Lab.GROUP, "/dev/ubda");
    }

    @Test
    void nothingIsLostInAThinPoolAndTheDoctorRepairsWhatIsLeft() throws Exception {
        run(true);
    }

    @Test
    void nothingIsLostOfChainsAndTheDoctorRepairsWhatIsLeft() throws Exception {
        run(false);
    }

    private static void run(boolean isThin) throws Exception {
        Path directory = Files.createTempDirectory("kills-");
        Path journal = Files.createDirectory(directory.resolve("journal"));
        Random random = new Random(SEED);
        StoragePlugin plugin = LvmWork.plugin(isThin);
        Storage storage = LvmWork.storage(isThin);
        Map<String, Integer> repaired = new HashMap<>();
        for (int kill = 0; kill < KILLS; kill++) {
            Path done = directory.resolve("done" + kill);
            work(isThin, journal, done, random, kill * 1000);
            Doctor.Report report = new Doctor(new Journal(journal))
                    .repair(storage, plugin, Locks.ofHost().storage(storage.id(), false));
            report.repaired().forEach(finding -> repaired.merge(finding.kind().word(), 1, Integer::sum));
            assertThat(report.left()).as("kill %d, seed %d", kill, SEED).isEmpty();
            check(plugin, storage, Files.readAllLines(done));
            for (VolumeName volume : volumes(plugin, storage)) {
                plugin.freeImage(storage, volume, false, null);
            }
            assertThat(Lab.run("lvs", "--noheadings", "-o", "lv_name", Lab.GROUP)
                            .strip())
                    .as("what is left when every volume is removed")
                    .isEqualTo(Lab.POOL);
        }
        System.err.println(KILLS + " kills, seed " + SEED + ", repaired: " + repaired);
    }

    private static void work(boolean isThin, Path journal, Path done, Random random, int number)
            throws IOException, InterruptedException {
        List<String> command = List.of(
                System.getProperty("java.home") + "/bin/java",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                LvmWork.class.getName(),
                isThin ? "thin" : "chains",
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
        process.destroyForcibly().waitFor();
        await().atMost(Duration.ofMinutes(2))
                .until(() -> ProcessHandle.allProcesses()
                        .map(each -> each.info().command().orElse(""))
                        .map(path -> path.substring(path.lastIndexOf('/') + 1))
                        .noneMatch(PROGRAMS::contains));
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
            if (isInDoubt && (last[1].equals("alloc") || last[1].equals("free"))) {
                each.remove(last[2]);
            }
        }
        assertThat(found).as("volumes after %s", lines.getLast()).isEqualTo(volumes);
        for (String name : found) {
            VolumeName volume = new VolumeName(name);
            Set<String> expected = new TreeSet<>(snapshots.getOrDefault(name, Set.of()));
            Set<String> listed = new TreeSet<>(plugin.snapshots(storage, volume).keySet());
            listed.remove("current");
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

    private static List<VolumeName> volumes(StoragePlugin plugin, Storage storage) {
        return plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                .map(image -> image.volid().volume())
                .toList();
    }
}

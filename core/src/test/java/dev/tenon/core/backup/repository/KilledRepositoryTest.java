package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.spi.backup.DeviceName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writers and collectors that are killed at random moments; {@code -Dtenon.kills=N} for more of them. */
@Tag("long")
class KilledRepositoryTest {
    private static final int KILLS = Integer.getInteger("tenon.kills", 4);
    private static final DeviceName DISK = new DeviceName("drive-scsi0");

    @TempDir
    private Path directory;

    @Test
    void whatWasPublishedIsThereAfterAnyKillAndNothingNeedsRepair() throws Exception {
        Path place = directory.resolve("repository");
        Repository.init(place);
        Random random = new Random(1);
        for (int round = 0; round < KILLS; round++) {
            List<Process> writers = new ArrayList<>();
            List<Path> logs = new ArrayList<>();
            for (int guest = 100; guest < 102; guest++) {
                Path log = directory.resolve("log-" + guest + "-" + round);
                logs.add(log);
                writers.add(writer(place, guest, 1000L * (round + 1), log));
            }
            // Not before both have published something.
            for (Path log : logs) {
                await().atMost(60, TimeUnit.SECONDS)
                        .pollInterval(20, TimeUnit.MILLISECONDS)
                        .until(() -> Files.readString(log).contains("published"));
            }
            assertThat(writers.getFirst().waitFor(random.nextInt(700), TimeUnit.MILLISECONDS))
                    .as("it goes on until it is killed")
                    .isFalse();
            for (Process writer : writers) {
                writer.destroyForcibly().waitFor();
            }

            try (Repository repository = Repository.open(place)) {
                for (int i = 0; i < logs.size(); i++) {
                    checkPublished(repository, 100 + i, Files.readAllLines(logs.get(i)));
                }
                assertThat(repository.verify().snapshots()).isEmpty();
                repository.collect();
                assertThat(repository.verify().isSound()).isTrue();
                assertThat(Layout.entries(place.resolve("leases")))
                        .as("leases of the dead")
                        .isEmpty();
                for (SnapshotId id : repository.list("default")) {
                    assertThat(content(repository, id))
                            .isEqualTo(KilledWriter.content(id.time().getEpochSecond()));
                    repository.forget(id);
                }
                repository.collect();
                assertThat(new Layout(place).packNames()).isEmpty();
            }
        }
    }

    private Process writer(Path place, int guest, long seed, Path log) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        KilledWriter.class.getName(),
                        place.toString(),
                        Integer.toString(guest),
                        Long.toString(seed + guest))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
    }

    private static void checkPublished(Repository repository, int guest, List<String> log) throws IOException {
        Set<Long> there = new HashSet<>();
        for (SnapshotId id : repository.list("default")) {
            if (id.guest().value() == guest) {
                there.add(id.time().getEpochSecond());
            }
        }
        Set<Long> forgotten = new HashSet<>();
        for (String line : log) {
            if (line.startsWith("SLF4J")) {
                continue;
            }
            assertThat(line).as("log of guest %s: %s", guest, log).matches("(published|forgetting) [0-9]+");
            if (line.startsWith("forgetting ")) {
                forgotten.add(Long.parseLong(line.substring("forgetting ".length())));
            }
        }
        for (String line : log) {
            if (line.startsWith("published ")) {
                long time = Long.parseLong(line.substring("published ".length()));
                assertThat(there.contains(time) || forgotten.contains(time))
                        .as("snapshot %s of guest %s; log: %s", time, guest, log)
                        .isTrue();
            }
        }
    }

    private static byte[] content(Repository repository, SnapshotId id) throws IOException {
        try (RepositoryReader reader = repository.read()) {
            DiskReader disk = reader.disk(reader.find(id).orElseThrow(), DISK).orElseThrow();
            ByteBuffer bytes = ByteBuffer.allocate((int) disk.size().bytes());
            disk.read(0, bytes);
            return bytes.array();
        }
    }
}

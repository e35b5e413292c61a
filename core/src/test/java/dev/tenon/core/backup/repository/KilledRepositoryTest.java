package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Writers, restores, verifications and collectors that are killed at random moments: in each round one that backs up a VM, one
 * that backs up a container, one that verifies, restores and repairs, and one that changes keys where there are some; {@code
 * -Dtenon.kills=N} for more rounds. The rounds take turns on a plain repository, an encrypted one, and one that has parity, too.
 */
@Tag("long")
class KilledRepositoryTest {
    private static final int KILLS = Integer.getInteger("tenon.kills", 4);

    @TempDir
    private Path directory;

    @Test
    void whatWasPublishedIsThereAfterAnyKillAndNothingNeedsRepair() throws Exception {
        Unlocking.KeyFile key = Unlocking.KeyFile.generate();
        Path keyFile = Files.writeString(directory.resolve("key"), key.text());
        for (Kind kind : Kind.values()) {
            Repository.init(
                    place(kind),
                    new RepositoryOptions(
                            kind == Kind.PLAIN ? Map.of() : Map.of(KilledWriter.KEY, key),
                            kind == Kind.PARITY ? 10 : 0));
        }
        Random random = new Random(1);
        for (int round = 0; round < KILLS; round++) {
            Kind kind = Kind.values()[round % Kind.values().length];
            Path place = place(kind);
            List<KilledWriter.Role> roles = Arrays.stream(KilledWriter.Role.values())
                    .filter(role -> role != KilledWriter.Role.KEYS || kind != Kind.PLAIN)
                    .toList();
            List<Process> writers = new ArrayList<>();
            List<Path> logs = new ArrayList<>();
            for (KilledWriter.Role role : roles) {
                Path log = directory.resolve("log-" + role + "-" + round);
                logs.add(log);
                writers.add(writer(place, role, 1000L * (round + 1), log, kind == Kind.PLAIN ? null : keyFile));
            }
            // Not before all have done something.
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

            try (Repository repository = Repository.open(place, kind == Kind.PLAIN ? null : key)) {
                for (KilledWriter.Role role : roles) {
                    checkLog(
                            repository,
                            role.guest(),
                            Files.readAllLines(directory.resolve("log-" + role + "-" + round)));
                }
                assertThat(repository.verify().snapshots()).isEmpty();
                repository.collect();
                if (kind == Kind.PARITY) {
                    assertThat(repository.repair().lost())
                            .as("parity that was not written yet is made")
                            .isEmpty();
                }
                if (kind != Kind.PLAIN) {
                    assertThat(repository.keys().slots())
                            .as("keys")
                            .noneMatch(RepositoryKeys.Slot::isDamaged)
                            .anyMatch(slot -> slot.name().equals(KilledWriter.KEY));
                }
                assertThat(repository.verify().isSound()).isTrue();
                assertThat(Layout.entries(place.resolve("leases")))
                        .as("leases of the dead")
                        .isEmpty();
                for (SnapshotId id : repository.list("default")) {
                    assertThat(Work.isGood(repository, id)).as("%s", id).isTrue();
                    repository.forget(id);
                }
                repository.collect();
                assertThat(new Layout(place).packNames()).isEmpty();
            }
        }
    }

    /** What there is of repositories. */
    private enum Kind {
        PLAIN,
        SEALED,
        PARITY
    }

    private Path place(Kind kind) {
        return directory.resolve("repository-" + kind);
    }

    private Process writer(Path place, KilledWriter.Role role, long seed, Path log, @Nullable Path key)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                KilledWriter.class.getName(),
                place.toString(),
                role.name(),
                Long.toString(seed + role.guest())));
        if (key != null) {
            command.add(key.toString());
        }
        return new ProcessBuilder(command)
                // What is logged is no word of what was done.
                .redirectError(log.resolveSibling(log.getFileName() + ".errors").toFile())
                .redirectOutput(log.toFile())
                .start();
    }

    private static void checkLog(Repository repository, int guest, List<String> log) throws IOException {
        Set<Long> there = new HashSet<>();
        for (SnapshotId id : repository.list("default")) {
            if (id.guest().value() == guest) {
                there.add(id.time().getEpochSecond());
            }
        }
        Set<Long> forgotten = new HashSet<>();
        for (String line : log) {
            assertThat(line).as("log of guest %s: %s", guest, log).matches("(published|forgetting) [0-9]+");
            if (line.startsWith("forgetting ")) {
                forgotten.add(Long.parseLong(line.substring("forgetting ".length())));
            }
        }
        for (String line : log) {
            if (line.startsWith("published ")) {
                long time = Long.parseLong(line.substring("published ".length()));
                assertThat(time == 0 || there.contains(time) || forgotten.contains(time))
                        .as("snapshot %s of guest %s; log: %s", time, guest, log)
                        .isTrue();
            }
        }
    }
}

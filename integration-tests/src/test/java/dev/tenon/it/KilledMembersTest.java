package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.it.support.Background;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Processes of a plugin are killed all the time while many programs call it: each loses the call that was in it. */
class KilledMembersTest {
    private static final int CALLS = Integer.getInteger("tenon.kills.calls", 1600);
    private static final int CALLERS = 8;
    private static final long BETWEEN_KILLS = 50;
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /** What a daemon has open for each member: its connection, its two outputs, its lifeline, and the process itself. */
    private static final long OPEN_FOR_A_MEMBER = 5;

    /** {@code -Dtenon.kills.calls=10000} makes it longer. */
    @Test
    void aKillOfAMemberFailsTheCallInItAndNothingElseIsLost(Scratch scratch) throws Exception {
        ScratchStorage storage = ScratchStorage.empty(scratch);
        Set<Long> killed = ConcurrentHashMap.newKeySet();
        Set<String> failures = new HashSet<>();
        List<ProcessHandle> left;
        try (DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("FamilyPlugin.pm"))) {
            long before = open(daemon) - OPEN_FOR_A_MEMBER * daemon.members().size();
            AtomicBoolean isOver = new AtomicBoolean();
            Background<Integer> killer = Background.of(() -> {
                Random random = new Random(42);
                while (!isOver.get()) {
                    List<ProcessHandle> members = daemon.members();
                    if (!members.isEmpty()) {
                        ProcessHandle member = members.get(random.nextInt(members.size()));
                        killed.add(member.pid());
                        member.destroyForcibly();
                    }
                    Thread.sleep(BETWEEN_KILLS);
                }
                return killed.size();
            });
            List<PerlProgram> callers = IntStream.range(0, CALLERS)
                    .mapToObj(caller -> PerlProgram.start(
                            scratch,
                            List.of(),
                            Installation.resource("perl/storm.pl"),
                            storage.path().toString(),
                            "c" + caller + "x",
                            Integer.toString(CALLS / CALLERS)))
                    .toList();
            List<String> said = new ArrayList<>();
            for (PerlProgram caller : callers) {
                for (String line = caller.line(); !line.equals("end"); line = caller.line()) {
                    said.add(line);
                }
                assertThat(caller.awaitEnd()).isZero();
            }
            isOver.set(true);
            killer.result();

            said.stream().filter(line -> line.startsWith("failed ")).forEach(failures::add);
            assertThat(said.stream().filter(line -> line.startsWith("made ")).map(line -> line.substring(5)))
                    .isNotEmpty()
                    .allSatisfy(name ->
                            assertThat(storage.path().resolve("made-" + name)).exists());
            await("nothing stays open")
                    .atMost(LIMIT)
                    .untilAsserted(() -> assertThat(open(daemon)
                                    - OPEN_FOR_A_MEMBER * daemon.members().size())
                            .isLessThanOrEqualTo(before));
            left = daemon.sidecars();
            assertThat(left).isNotEmpty();
        }
        assertThat(left).noneMatch(ProcessHandle::isAlive);
        assertThat(failures.stream().map(KilledMembersTest::lostIn))
                .doesNotHaveDuplicates()
                .allMatch(killed::contains);
        System.out.printf("%d calls, %d kills, %d calls lost%n", CALLS, killed.size(), failures.size());
    }

    /** The process that a call was in which failed, or for which it was made. */
    private static long lostIn(String failure) {
        assertThat(failure)
                .matches(
                        "failed SIDECAR_FAILED (?:UNKNOWN .*the plugin was lost: its process \\d+|NOT_STARTED .*the process"
                                + " \\d+ that was forked) was ended by signal 9 \\(SIGKILL\\).*");
        return Long.parseLong(failure.replaceFirst(".* process (\\d+) .*", "$1"));
    }

    /** How many pipes, sockets and processes a daemon has open. */
    private static long open(DaemonProcess daemon) {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + daemon.pid() + "/fd"))) {
            return descriptors
                    .map(KilledMembersTest::target)
                    .filter(target -> target.startsWith("pipe:")
                            || target.startsWith("socket:")
                            || target.startsWith("anon_inode:[pidfd]"))
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException e) {
            return ""; // closed meanwhile
        }
    }
}

package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.it.support.Background;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.RawClient;
import dev.tenon.it.support.Requests;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.it.support.TenonCommand;
import dev.tenon.it.support.TransferProgram;
import dev.tenon.proto.Frame;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One daemon takes over from another: no call fails, each reaches its plugin once, and what was begun is finished. */
class UpgradeTest {
    private static final int CALLS = Integer.getInteger("tenon.upgrade.calls", 2000);
    private static final int KILLS = Integer.getInteger("tenon.upgrade.kills", 2);
    private static final int CALLERS = 8;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private Scratch scratch;
    private Path older;
    private Path newer;

    @BeforeEach
    void aBuild(Scratch scratch) throws IOException {
        this.scratch = scratch;
        older = scratch.file("older");
        newer = older;
        Installation.copyTo(older);
    }

    private DaemonProcess begin(Path build, String... options) {
        List<String> all = new ArrayList<>(
                List.of("--plugin", Installation.plugin("CountingPlugin.pm").toString()));
        all.addAll(List.of(options));
        return DaemonProcess.launchTakingOver(scratch, build, all.toArray(String[]::new));
    }

    private DaemonProcess start(Path build, String... options) {
        DaemonProcess daemon = begin(build, options);
        daemon.awaitListening();
        return daemon;
    }

    private Path file(String name) {
        return scratch.storage().resolve(name);
    }

    private List<String> counted() {
        try {
            return Files.exists(file("calls")) ? Files.readAllLines(file("calls")) : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String status() {
        return TenonCommand.run(
                        scratch,
                        "status",
                        "--socket",
                        DaemonProcess.socketIn(scratch).toString())
                .said();
    }

    private static String command(long process) {
        return ProcessHandle.of(process)
                .flatMap(handle -> handle.info().commandLine())
                .orElse("");
    }

    private static void awaitEnd(DaemonProcess daemon) {
        await("the daemon " + daemon.pid() + " ends by itself").atMost(LIMIT).until(() -> !daemon.isAlive());
        assertThat(daemon.awaitEnd()).as(daemon.log()).isZero();
    }

    private void awaitCalls(int more) {
        int before = counted().size();
        await("calls go on").atMost(LIMIT).until(() -> counted().size() >= before + more);
    }

    private String size(PerlCaller caller, String volume) {
        return String.valueOf(
                caller.list("volume_size_info", ScratchStorage.empty(scratch).section("counting"), "nas", volume)
                        .list()
                        .getFirst());
    }

    // ---- an upgrade

    @Test
    void callsGoOnThroughTwoUpgradesAndAWayBack(Scratch scratch) throws Exception {
        newer = scratch.file("newer");
        Installation.copyTo(newer);
        byte[] disk = new byte[8 << 20];
        new Random(1).nextBytes(disk);
        Path image = scratch.storage().resolve("images/100/vm-100-disk-0.raw");
        Files.createDirectories(image.getParent());
        Files.write(image, disk);

        DaemonProcess first = start(older);
        TransferProgram export = TransferProgram.exporting(scratch, "dir", "100/vm-100-disk-0.raw", "raw+size");
        byte[] begin = export.output().readNBytes(8);
        List<PerlProgram> callers = IntStream.range(0, CALLERS)
                .mapToObj(number -> PerlProgram.start(
                        scratch,
                        List.of(),
                        Installation.resource("perl/counted.pl"),
                        scratch.storage().toString(),
                        "c" + number,
                        Integer.toString(CALLS / CALLERS)))
                .toList();
        awaitCalls(CALLERS * 4);

        DaemonProcess second = start(newer);
        awaitCalls(CALLERS * 4);
        assertThat(command(second.pid())).contains("-Dtenon.home=" + newer);
        assertThat(first.isAlive()).as("the export goes on in it").isTrue();
        assertThat(status())
                .contains("The daemon is process " + second.pid() + " and")
                .contains("The daemon before it, process " + first.pid() + ", finishes what it has begun; for ");

        DaemonProcess third = start(older);
        awaitCalls(CALLERS * 4);
        assertThat(command(third.pid())).contains("-Dtenon.home=" + older);
        assertThat(status()).contains("The daemon before it, process " + first.pid() + ", finishes");

        byte[] rest = export.output().readAllBytes();
        assertThat(export.awaitEnd()).as(export.errors()).isZero();
        assertThat(ByteBuffer.wrap(begin)
                        .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                        .getLong())
                .isEqualTo(disk.length);
        assertThat(Arrays.equals(rest, disk)).as("the export is whole").isTrue();
        awaitEnd(first);
        awaitEnd(second);

        DaemonProcess fourth = start(newer);
        awaitCalls(CALLERS * 4);
        awaitEnd(third);
        Files.createFile(file("stop"));
        int calls = 0;
        int expected = 0;
        for (PerlProgram caller : callers) {
            assertThat(caller.awaitEnd()).as(caller.errors()).isZero();
            String[] said = caller.said().strip().split("\n", -1);
            assertThat(said).as("what failed").hasSize(1);
            String[] numbers = said[0].split(" ", -1);
            calls += Integer.parseInt(numbers[1]);
            expected += Integer.parseInt(numbers[2]);
        }
        assertThat(calls).isGreaterThanOrEqualTo(CALLS / CALLERS * CALLERS);
        assertThat(counted()).doesNotHaveDuplicates().hasSize(expected);
        assertThat(status()).contains("process " + fourth.pid()).doesNotContain("before it");
        System.out.println(calls + " calls through 3 take-overs, " + expected + " of them counted, none failed");
    }

    @Test
    void whatACallLeftIsDoneByTheDaemonThatHasItAndAClientThatDoesNotUnderstandIsAnswered(Scratch scratch)
            throws IOException {
        DaemonProcess first = start(older);
        Value.Fields section = Requests.section(scratch, "counting");
        try (RawClient client = RawClient.greet(first.socket());
                RawClient idle = RawClient.greet(first.socket())) {
            client.request(
                    1,
                    "free_image",
                    java.util.Map.of(
                            "scfg",
                            section,
                            "storeid",
                            Value.ofText("nas"),
                            "volname",
                            Value.ofText("kept"),
                            "isBase",
                            new Value.Bool(false)),
                    "counting");
            Value token = client.response().result();
            client.request(2, "volume_size_info", Requests.volume(section, "wait-a"), "counting");
            Background.awaitReady(file("ready-a"));
            DaemonProcess second = start(newer);

            assertThat(idle.next()).isEqualTo(new Frame.Notify("going_away", Value.fields()));
            assertThat(idle.next())
                    .isEqualTo(new Frame.Notify("going_away", Value.fields("last_id", new Value.Int(0))));
            assertThat(idle.last().reason()).isEqualTo("SHUTTING_DOWN");

            // A client of the first release drops the notice, and calls.
            client.request(3, "volume_size_info", Requests.volume(section, "later"), "counting");
            assertThat(client.response().id()).isEqualTo(3);
            Files.createFile(file("go-a"));
            assertThat(client.response().id()).isEqualTo(2);
            assertThat(client.next())
                    .isEqualTo(new Frame.Notify("going_away", Value.fields("last_id", new Value.Int(3))));
            assertThat(client.last().reason()).isEqualTo("SHUTTING_DOWN");

            try (RawClient other = RawClient.greet(second.socket())) {
                other.request(1, "claim", java.util.Map.of("token", token), "counting");
                assertThat(other.response().result()).isEqualTo(Value.Nil.NIL);
                // It was the last work that the first one had.
                awaitEnd(first);
                other.request(2, "claim", java.util.Map.of("token", token), "counting");
                assertThat(other.failure().error().errorCode().name()).isEqualTo("NOT_FOUND");
            }
        }
        assertThat(counted()).containsExactlyInAnyOrder("freed-kept", "wait-a", "later");
    }

    @Test
    void aDaemonThatIsStoppedTakesTheOneBeforeItAlong(Scratch scratch) {
        DaemonProcess first = start(older);
        PerlCaller caller = PerlCaller.start(scratch).calling("counting");
        caller.begin("list", "volume_size_info", ScratchStorage.empty(scratch).section("counting"), "nas", "wait-a");
        Background.awaitReady(file("ready-a"));
        DaemonProcess second = start(newer);
        second.terminate();
        assertThat(second.awaitEnd()).isEqualTo(143);
        awaitEnd(first);
        assertThat(caller.answer().died()).contains("whether it took effect is not known");
        assertThat(DaemonProcess.socketIn(scratch)).doesNotExist();
    }

    @Test
    void oneThatDrainsLongerThanItMayEnds(Scratch scratch) {
        DaemonProcess first = start(older, "--drain-limit", "1");
        PerlCaller caller = PerlCaller.start(scratch).calling("counting");
        caller.begin("list", "volume_size_info", ScratchStorage.empty(scratch).section("counting"), "nas", "wait-a");
        Background.awaitReady(file("ready-a"));
        start(newer);
        awaitEnd(first);
        assertThat(first.log()).contains("event=drain-limit");
        assertThat(caller.answer().died()).contains("whether it took effect is not known");
        assertThat(size(caller, "after")).isNotEmpty();
    }

    // ---- an upgrade that does not come to its end

    /** A successor in bytes, up to where it has the socket, or says that it answers. */
    private RawClient successor(boolean answers) {
        RawClient successor = RawClient.greet(DaemonProcess.socketIn(scratch));
        successor.request(1, "hand_over", java.util.Map.of(), null);
        assertThat(successor.response().id()).isOne();
        if (answers) {
            successor.request(2, "taken_over", java.util.Map.of(), null);
            assertThat(successor.response().id()).isEqualTo(2);
        }
        return successor;
    }

    @Test
    void aDaemonWhoseSuccessorIsGoneAcceptsAgain(Scratch scratch) throws IOException {
        DaemonProcess daemon = start(older);
        RawClient successor = successor(false);
        PerlCaller caller = PerlCaller.start(scratch).calling("counting");
        caller.begin("list", "volume_size_info", ScratchStorage.empty(scratch).section("counting"), "nas", "one");
        successor.close();
        assertThat(caller.answer().error()).isNull();

        caller.begin("list", "volume_size_info", ScratchStorage.empty(scratch).section("counting"), "nas", "wait-a");
        Background.awaitReady(file("ready-a"));
        RawClient answering = successor(true);
        await().atMost(LIMIT).until(() -> daemon.log().contains("event=taken-over by="));
        answering.close();
        await().atMost(LIMIT)
                .until(() -> daemon.log()
                                .lines()
                                .filter(line -> line.contains("event=taken-back"))
                                .count()
                        == 2);
        assertThat(size(PerlCaller.start(scratch).calling("counting"), "two")).isNotEmpty();
        Files.createFile(file("go-a"));
        assertThat(caller.answer().error()).isNull();
        assertThat(counted()).containsExactlyInAnyOrder("one", "wait-a", "two");
    }

    @Test
    void oneThatIsKilledInTheMiddleLeavesAnotherThatAnswers(Scratch scratch) {
        Random random = new Random();
        DaemonProcess running = start(older);
        PerlCaller caller = PerlCaller.start(scratch).calling("counting");
        for (int round = 0; round < KILLS; round++) {
            DaemonProcess old = running;
            DaemonProcess next = begin(newer);
            boolean isOld = round % 2 == 0;
            String sign = isOld ? "event=handing-over" : random.nextBoolean() ? "event=listening" : "plugin";
            await("the take-over begins")
                    .atMost(LIMIT)
                    .pollInterval(Duration.ofMillis(1))
                    .until(() -> (isOld ? old : next).log().contains(sign));
            (isOld ? old : next).kill();
            if (isOld) {
                next.awaitListening();
                running = next;
            } else if (next.log().contains("event=taken-over from=")) {
                // The one before had nothing left to finish, or has taken back.
                running = old.isAlive() && old.log().contains("event=taken-back") ? old : start(older);
            }
            assertThat(size(PerlCaller.start(scratch).calling("counting"), "round-" + round))
                    .isNotEmpty();
        }
        assertThat(new HashSet<>(counted())).hasSize(counted().size());
        assertThat(caller.program().pid()).isPositive();
    }
}

package dev.tenon.it;

import static dev.tenon.it.support.ScratchStorage.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.list;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Background;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.RawClient;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.it.support.SidecarHost;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Frame;
import dev.tenon.proto.Limits;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Many calls at once: none is lost, none is answered twice, and none waits for one that it has nothing to do with. */
class ConcurrentCallsTest {
    private static final int PENDING = Limits.DEFAULT.pending();

    private final List<RawClient> clients = new ArrayList<>();
    private Scratch scratch;
    private Path ready;
    private Path go;

    @BeforeEach
    void placesOfThisTest(Scratch scratch) {
        this.scratch = scratch;
        ready = scratch.file("ready");
        go = scratch.file("go");
    }

    @AfterEach
    void disconnect() {
        clients.forEach(RawClient::close);
    }

    private DaemonProcess daemon() {
        return DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
    }

    /** Whose plugin has one process, so that its calls are made one after the other. */
    private DaemonProcess daemonOfOneMember() {
        return DaemonProcess.startWith(
                scratch,
                List.of(
                        "--adopted",
                        scratch.file("nothing-adopted").toString(),
                        "--members",
                        "1",
                        "--plugin",
                        Installation.plugin("TorturePlugin.pm").toString()));
    }

    private RawClient client(DaemonProcess daemon) {
        RawClient client = RawClient.greet(daemon.socket());
        clients.add(client);
        return client;
    }

    private Map<String, Value> volume(String name) {
        Map<String, Value> scfg = Map.of(
                "type", Value.ofText("dir"),
                "path", Value.ofText(scratch.storage().toString()),
                "ready", Value.ofText(ready.toString()),
                "go", Value.ofText(go.toString()));
        return Map.of("storeid", Value.ofText(ID), "scfg", new Value.Fields(scfg), "volname", Value.ofText(name));
    }

    private void torture(RawClient client, long id, String habit) {
        client.request(id, "volume_size_info", volume(habit), "torture");
    }

    private static long sizeOf(Frame.Response response) {
        if (response.result() instanceof Value.Fields fields && fields.get("size") instanceof Value.Int(long size)) {
            return size;
        }
        throw new AssertionError("no size in " + response);
    }

    /** Both plugins answer, which takes a connection, a thread and a process. */
    private void healthy(DaemonProcess daemon) throws IOException {
        try (RawClient client = RawClient.greet(daemon.socket())) {
            sparse("100/vm-100-disk-0.raw", 4096);
            client.request(1, "volume_size_info", volume("100/vm-100-disk-0.raw"), "dir");
            assertThat(sizeOf(client.response())).isEqualTo(4096);
            torture(client, 2, "plain");
            assertThat(sizeOf(client.response())).isEqualTo(1024);
        }
    }

    private void sparse(String name, long size) throws IOException {
        Path file = ScratchStorage.empty(scratch).image(name);
        Files.createDirectories(file.getParent());
        try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "rw")) {
            image.setLength(size);
        }
    }

    @Test
    void aPingIsAnsweredWhileACallBlocks() throws IOException {
        DaemonProcess daemon = daemon();
        RawClient client = client(daemon);
        torture(client, 1, "wait");
        Background.awaitReady(ready);
        for (long nonce = 1; nonce <= 10; nonce++) {
            client.send(new Frame.Ping(nonce));
            assertThat(client.next()).isEqualTo(new Frame.Pong(nonce));
        }
        Files.createFile(go);
        Frame.Response response = client.response();
        assertThat(response.id()).isOne();
        assertThat(sizeOf(response)).isEqualTo(1024);
    }

    @Test
    void aCallOfAnotherPluginDoesNotWaitForOneThatBlocks() throws IOException {
        DaemonProcess daemon = daemon();
        RawClient client = client(daemon);
        sparse("100/vm-100-disk-0.raw", 8192);
        torture(client, 1, "wait");
        Background.awaitReady(ready);
        client.request(2, "volume_size_info", volume("100/vm-100-disk-0.raw"), "dir");
        assertThat(client.response()).satisfies(response -> {
            assertThat(response.id()).isEqualTo(2);
            assertThat(sizeOf(response)).isEqualTo(8192);
        });
        Files.createFile(go);
        assertThat(client.response().id()).isOne();
    }

    @Test
    void aCallThatIsCancelledIsAnsweredOnce() throws IOException {
        DaemonProcess daemon = daemon();
        RawClient client = client(daemon);
        torture(client, 1, "wait");
        Background.awaitReady(ready);
        client.send(new Frame.Cancel(1));
        client.send(new Frame.Cancel(1));
        client.send(new Frame.Cancel(99)); // of no call, which is no error: the answer may be on its way
        Frame.Failure failure = client.failure();
        assertThat(failure.id()).isOne();
        assertThat(failure.error().errorCode()).isEqualTo(ErrorCode.CANCELLED);
        assertThat(failure.error().outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(failure.error().message())
                .isEqualTo("volume_size_info was cancelled by its caller; whether it took effect is not known");

        // The process of the cancelled call has ended when the next one answers.
        Files.createFile(go);
        torture(client, 2, "plain");
        assertThat(client.response().id()).isEqualTo(2);
        client.send(new Frame.Ping(3));
        assertThat(client.next()).isEqualTo(new Frame.Pong(3));
        assertThat(client.rest()).isEmpty();
        healthy(daemon);
    }

    @Test
    void aCallThatWaitsForItsPluginCanBeCancelledAlone() throws IOException {
        DaemonProcess daemon = daemonOfOneMember();
        RawClient client = client(daemon);
        torture(client, 1, "wait");
        Background.awaitReady(ready);
        torture(client, 2, "plain");
        torture(client, 3, "plain");
        client.send(new Frame.Cancel(2));
        Frame.Failure failure = client.failure();
        assertThat(failure.id()).isEqualTo(2);
        assertThat(failure.error().errorCode()).isEqualTo(ErrorCode.CANCELLED);
        Files.createFile(go);
        assertThat(List.of(client.response().id(), client.response().id())).containsExactlyInAnyOrder(1L, 3L);
        healthy(daemon);
    }

    @Test
    void aCallThatTakesLongerThanItsCallerWaitsIsGivenUp() throws IOException {
        DaemonProcess daemon = daemon();
        RawClient client = client(daemon);
        client.request(1, "volume_size_info", volume("wait"), "torture", Duration.ofMillis(1500));
        Background.awaitReady(ready);
        Frame.Failure failure = client.failure();
        assertThat(failure.id()).isOne();
        assertThat(failure.error().errorCode()).isEqualTo(ErrorCode.DEADLINE_EXCEEDED);
        assertThat(failure.error().outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(failure.error().message())
                .isEqualTo("volume_size_info took longer than 1500 ms; whether it took effect is not known");
        Files.createFile(go);
        healthy(daemon);
        assertThat(client.rest()).isEmpty();
    }

    @Test
    void sixtyFourCallsAtOnceAreAnsweredEachWithItsOwnResult() throws IOException {
        DaemonProcess daemon = daemon();
        RawClient client = client(daemon);
        for (int i = 1; i <= 64; i++) {
            sparse("100/vm-100-disk-" + i + ".raw", i * 512L);
        }
        for (int round = 0; round < 10; round++) {
            for (int i = 1; i <= 64; i++) {
                client.request(round * 64L + i, "volume_size_info", volume("100/vm-100-disk-" + i + ".raw"), "dir");
            }
            Map<Long, Long> sizes = new HashMap<>();
            for (int i = 1; i <= 64; i++) {
                Frame.Response response = client.response();
                assertThat(sizes.put(response.id(), sizeOf(response))).isNull();
            }
            for (int i = 1; i <= 64; i++) {
                assertThat(sizes).containsEntry(round * 64L + i, i * 512L);
            }
        }
        assertThat(client.rest()).isEmpty();
    }

    @Test
    void aNumberMayBeUsedAgainAsSoonAsItsCallIsAnswered() throws IOException {
        DaemonProcess daemon = daemon();
        RawClient client = client(daemon);
        sparse("100/vm-100-disk-0.raw", 512);
        for (int i = 0; i < 2000; i++) {
            client.request(7, "volume_size_info", volume("100/vm-100-disk-0.raw"), "dir");
            assertThat(client.response().id()).isEqualTo(7);
        }
    }

    @Test
    void moreCallsThanMayWaitAreRefusedAndAllOthersAnswered() throws IOException {
        DaemonProcess daemon = daemonOfOneMember();
        RawClient client = client(daemon);
        torture(client, 1, "wait");
        Background.awaitReady(ready);
        for (int id = 2; id <= PENDING; id++) {
            torture(client, id, "plain");
        }
        for (int id = PENDING + 1; id <= PENDING + 5; id++) {
            torture(client, id, "plain");
            Frame.Failure failure = client.failure();
            assertThat(failure.id()).isEqualTo(id);
            assertThat(failure.error().errorCode()).isEqualTo(ErrorCode.TOO_MANY_CALLS);
            assertThat(failure.error().outcome()).isEqualTo(Outcome.NOT_STARTED);
            assertThat(failure.error().message())
                    .isEqualTo("volume_size_info: 256 calls of this connection are under way already");
        }
        client.send(new Frame.Ping(1));
        assertThat(client.next()).isEqualTo(new Frame.Pong(1));

        Files.createFile(go);
        Set<Long> answered = new TreeSet<>();
        for (int i = 1; i <= PENDING; i++) {
            Frame.Response response = client.response();
            assertThat(sizeOf(response)).isEqualTo(1024);
            assertThat(answered.add(response.id())).isTrue();
        }
        assertThat(answered)
                .containsExactlyElementsOf(IntStream.rangeClosed(1, PENDING)
                        .mapToObj(Long::valueOf)
                        .toList());
        torture(client, PENDING + 1, "plain");
        assertThat(client.response().id()).isEqualTo(PENDING + 1);
        healthy(daemon);
    }

    @Test
    void aCallerThatKeepsToTheLimitIsNeverRefused() throws IOException {
        DaemonProcess daemon = daemon();
        RawClient client = client(daemon);
        sparse("100/vm-100-disk-0.raw", 512);
        Map<String, Value> params = volume("100/vm-100-disk-0.raw");
        int calls = 20 * PENDING;
        for (int id = 1; id <= calls; id++) {
            if (id > PENDING) {
                client.response();
            }
            client.request(id, "volume_size_info", params, "dir");
        }
        for (int i = 0; i < PENDING; i++) {
            client.response();
        }
        assertThat(client.rest()).isEmpty();
    }

    @Test
    void aCallerThatDisconnectsInTheMiddleOfItsCallsLeavesTheDaemonHealthy() throws IOException {
        DaemonProcess daemon = daemon();
        RawClient leaving = client(daemon);
        RawClient staying = client(daemon);
        torture(leaving, 1, "wait");
        Background.awaitReady(ready);
        for (int id = 2; id <= 20; id++) {
            torture(leaving, id, "plain");
        }
        leaving.close();
        sparse("100/vm-100-disk-0.raw", 512);
        staying.request(1, "volume_size_info", volume("100/vm-100-disk-0.raw"), "dir");
        assertThat(staying.response().id()).isOne();
        torture(staying, 2, "plain");
        Files.createFile(go);
        assertThat(staying.response().id()).isEqualTo(2);
        healthy(daemon);
        assertThat(daemon.log()).doesNotContain("ERROR", "defect");
    }

    private List<PerlCaller> perls(int count) {
        return Stream.generate(() -> PerlCaller.start(scratch)).limit(count).toList();
    }

    private static List<String> volids(PerlCaller perl, Map<String, Object> scfg) {
        Object listed =
                perl.scalar("list_images", ID, scfg, null, null, Map.of()).value();
        List<String> volids = new ArrayList<>();
        assertThat(listed)
                .asInstanceOf(list(Map.class))
                .allSatisfy(image -> volids.add(String.valueOf(image.get("volid"))));
        return volids;
    }

    @Test
    void eightProcessesThatMakeAndFreeImagesOfOneStorageLoseAndDoubleNone() {
        DaemonProcess.start(scratch);
        Map<String, Object> scfg = ScratchStorage.empty(scratch).section("tenondir");
        List<PerlCaller> perls = perls(8);
        Set<String> expected = new TreeSet<>();
        for (int round = 0; round < 5; round++) {
            for (int i = 0; i < perls.size(); i++) {
                String format = round % 2 == 0 ? "raw" : "qcow2";
                perls.get(i).begin("scalar", "alloc_image", ID, scfg, 100, format, name(i, round), 64);
            }
            for (int i = 0; i < perls.size(); i++) {
                assertThat(perls.get(i).answer().value()).isEqualTo("100/" + name(i, round));
                expected.add(ID + ":100/" + name(i, round));
            }
            assertThat(volids(perls.getFirst(), scfg))
                    .hasSameElementsAs(expected)
                    .hasSameSizeAs(expected);

            // Each frees what another made, and all make and free at the same time.
            for (int i = 0; i < perls.size(); i++) {
                String freed = "100/" + name((i + 1) % perls.size(), round);
                if (i % 2 == 0) {
                    perls.get(i).begin("scalar", "free_image", ID, scfg, freed, 0, null);
                    expected.remove(ID + ":" + freed);
                } else {
                    perls.get(i).begin("scalar", "alloc_image", ID, scfg, 101, "raw", owned(i, round), 64);
                    expected.add(ID + ":101/" + owned(i, round));
                }
            }
            perls.forEach(perl -> perl.answer().value());
            assertThat(volids(perls.getLast(), scfg))
                    .hasSameElementsAs(expected)
                    .hasSameSizeAs(expected);
        }
    }

    private static String name(int caller, int round) {
        return "vm-100-disk-" + (round * 8 + caller) + (round % 2 == 0 ? ".raw" : ".qcow2");
    }

    private static String owned(int caller, int round) {
        return "vm-101-disk-" + (round * 8 + caller) + ".raw";
    }

    @Test
    void eightProcessesThatWantAnyNameAtOnceGetDifferentOnesOrAreToldThatItIsTaken() {
        DaemonProcess.start(scratch);
        ScratchStorage storage = ScratchStorage.empty(scratch);
        Map<String, Object> scfg = storage.section("tenondir");
        List<PerlCaller> perls = perls(8);
        Set<String> made = new HashSet<>();
        for (int round = 0; round < 5; round++) {
            perls.forEach(perl -> perl.begin("scalar", "alloc_image", ID, scfg, 100, "raw", null, 64));
            for (PerlCaller perl : perls) {
                PerlCaller.Answer answer = perl.answer();
                if (answer.error() == null) {
                    assertThat(made.add(String.valueOf(answer.value()))).isTrue();
                } else {
                    assertThat(answer.died())
                            .matches("disk image '" + storage.path() + "/images/100/vm-100-disk-\\d+\\.raw' already"
                                    + " exists\n");
                }
            }
        }
        assertThat(made)
                .hasSizeGreaterThanOrEqualTo(5)
                .allSatisfy(name -> assertThat(storage.image(name)).hasSize(64 << 10));
        assertThat(volids(perls.getFirst(), scfg))
                .hasSize(made.size())
                .allSatisfy(volid -> assertThat(made).contains(volid.substring(ID.length() + 1)));
    }

    @Test
    void twentyThreadsThatCallOnePluginOfOneProcessGetTheirOwnAnswersAndItIsInOneCallAtATime() throws Exception {
        SidecarHost host = SidecarHost.start(
                scratch, Installation.plugin("OverlapPlugin.pm"), settings -> settings.withMembers(1));
        PerlStoragePlugin plugin = host.plugin();
        Storage storage = host.storage();
        int threads = 20;
        int each = 25;
        List<Background<Boolean>> callers = new ArrayList<>();
        for (int thread = 0; thread < threads; thread++) {
            int first = 1 + thread * each;
            callers.add(Background.of(() -> {
                for (int number = first; number < first + each; number++) {
                    SizeInfo info = plugin.volumeSizeInfo(storage, new VolumeName("volume-" + number), null);
                    assertThat(info.size()).isEqualTo(ByteSize.ofBytes(number * 512L));
                    assertThat(info.used()).isEqualTo(ByteSize.ofBytes(number));
                }
                return true;
            }));
        }
        for (Background<Boolean> caller : callers) {
            assertThat(caller.result()).isTrue();
        }
        assertThat(scratch.storage().resolve("overlaps")).doesNotExist();
        assertThat(Files.readAllLines(scratch.storage().resolve("alone")))
                .doesNotHaveDuplicates()
                .hasSize(threads * each);
    }
}

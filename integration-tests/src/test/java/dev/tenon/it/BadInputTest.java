package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.RawClient;
import dev.tenon.it.support.Requests;
import dev.tenon.it.support.Scratch;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Frame;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.Value;
import dev.tenon.proto.WireError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever somebody sends, a real daemon says in one sentence what is wrong with it and goes on with its work. */
@TestInstance(Lifecycle.PER_CLASS)
class BadInputTest {
    private static final Map<String, Value> RAW = Map.of("volname", Value.ofText("100/vm-100-disk-0.raw"));

    private final Scratch scratch;
    private final DaemonProcess daemon;
    private final RawClient bystander;

    BadInputTest(Scratch scratch) {
        this.scratch = scratch;
        daemon = DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
        bystander = RawClient.greet(daemon.socket());
    }

    /** A new connection works, and so does one that was there all the time. */
    @AfterEach
    void theDaemonIsHealthy() {
        assertThat(daemon.isAlive()).isTrue();
        try (RawClient client = RawClient.greet(daemon.socket())) {
            isHealthy(client);
        }
        isHealthy(bystander);
    }

    private static void isHealthy(RawClient client) {
        client.send(new Frame.Ping(42));
        assertThat(client.next()).isEqualTo(new Frame.Pong(42));
        client.request(9, "parse_volname", RAW, "dir");
        assertThat(client.response().result())
                .isInstanceOfSatisfying(
                        Value.Fields.class,
                        parsed -> assertThat(parsed.get("format")).isEqualTo(Value.ofText("raw")));
    }

    private static void isASentence(String message) {
        assertThat(message).isNotBlank().doesNotContain("\n").hasSizeLessThan(400);
    }

    static Stream<Arguments> frames() {
        return Stream.of(
                frame("a frame that is too long", ErrorCode.FRAME_TOO_LONG, "a frame of 16777216 bytes", "01000000"),
                frame("a frame of nothing", ErrorCode.MALFORMED_FRAME, "a frame of length 0 holds nothing", "00000000"),
                frame(
                        "a depth bomb",
                        ErrorCode.TOO_DEEP,
                        "deeper than the limit of 16",
                        "00002711" + "91".repeat(10_000) + "c0"),
                frame(
                        "a list that claims too much",
                        ErrorCode.TOO_MANY_ELEMENTS,
                        "a frame claims 2147483647 elements",
                        "00000008 930301 dd7fffffff"),
                frame(
                        "a map that claims too much",
                        ErrorCode.TOO_MANY_ELEMENTS,
                        "a frame claims 4294967295 elements",
                        "00000008 930301 dfffffffff"),
                frame(
                        "a list that its frame cannot hold",
                        ErrorCode.TOO_MANY_ELEMENTS,
                        "has only 0 bytes left",
                        "00000008 930301 dd0000ffff"),
                frame(
                        "text that its frame cannot hold",
                        ErrorCode.MALFORMED_FRAME,
                        "claims a text of 4294967295 bytes",
                        "00000008 930301 dbffffffff"),
                frame("text that is no UTF-8", ErrorCode.BAD_TEXT, "is not valid UTF-8", "00000005 9206 a2c328"),
                frame("an extension type", ErrorCode.MALFORMED_FRAME, "extension type", "00000006 930301 d40561"),
                frame("bytes after the end", ErrorCode.MALFORMED_FRAME, "1 bytes after its end", "00000004 92072ac0"),
                frame("an unknown kind", ErrorCode.MALFORMED_FRAME, "unknown kind 99", "00000003 926301"),
                frame("no list", ErrorCode.MALFORMED_FRAME, "a frame is a map", "00000004 81a16101"),
                frame(
                        "a request that lacks parts",
                        ErrorCode.MALFORMED_FRAME,
                        "elements",
                        "00000009 940201a474797065 80"),
                frame("an answer to nothing", ErrorCode.UNEXPECTED_FRAME, "which was never made", "00000004 930301c0"),
                frame(
                        "words of another protocol",
                        ErrorCode.FRAME_TOO_LONG,
                        "a frame of 1195725856 bytes",
                        hex("GET / HTTP/1.1\r\nHost: tenon\r\n\r\n")));
    }

    private static Arguments frame(String what, ErrorCode code, String words, String hex) {
        return Arguments.of(what, code, words, hex);
    }

    private static String hex(String text) {
        return java.util.HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("frames")
    void aFrameThatIsNoneEndsTheConnectionWithItsReason(String what, ErrorCode code, String words, String hex) {
        try (RawClient client = RawClient.greet(daemon.socket())) {
            client.hex(hex);
            refused(client, code, words);
        }
    }

    private void refused(RawClient client, ErrorCode code, String words) {
        Frame.Close close = client.last();
        assertThat(close.reason()).isEqualTo(code.name());
        assertThat(close.message()).contains(words);
        isASentence(close.message());
        assertThat(daemon.log()).contains("event=protocol-error code=" + code);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("frames")
    void evenBeforeTheHelloItIsToldApart(String what, ErrorCode code, String words, String hex) {
        if (code == ErrorCode.UNEXPECTED_FRAME) {
            return;
        }
        try (RawClient client = RawClient.connect(daemon.socket())) {
            client.hex(hex);
            refused(client, code, words);
        }
    }

    @Test
    void aPeerThatStopsInsideAFrameIsToldSo() {
        try (RawClient client = RawClient.greet(daemon.socket())) {
            client.hex("00000010 9207");
            client.shutdownOutput();
            refused(client, ErrorCode.MALFORMED_FRAME, "the peer ended the connection inside a frame, after 6 bytes");
        }
    }

    @Test
    void garbageOfAnySortEndsOnlyItsOwnConnection() {
        Random random = new Random(20260101);
        for (int i = 0; i < 100; i++) {
            byte[] garbage = new byte[4 + random.nextInt(200)];
            random.nextBytes(garbage);
            // A length that fits, so that what follows is taken for a frame.
            garbage[0] = 0;
            garbage[1] = 0;
            garbage[2] = 0;
            garbage[3] = (byte) (garbage.length - 4);
            try (RawClient client = RawClient.greet(daemon.socket())) {
                client.bytes(garbage);
                client.shutdownOutput();
                isASentence(client.last().message());
            }
        }
    }

    @Test
    void aPeerOfAnotherProtocolVersionIsRefused() {
        try (RawClient client = RawClient.connect(daemon.socket())) {
            client.send(RawClient.hello(2, 7));
            refused(client, ErrorCode.UNSUPPORTED_VERSION, "the peer speaks protocol [2, 7] and this side [1]");
        }
        try (RawClient client = RawClient.connect(daemon.socket())) {
            client.send(new Frame.Hello(Value.fields()));
            refused(client, ErrorCode.UNSUPPORTED_VERSION, "the peer speaks protocol none");
        }
    }

    @Test
    void aPeerOfSeveralProtocolVersionsIsWelcomeIfOneIsKnown() {
        try (RawClient client = RawClient.connect(daemon.socket())) {
            client.send(RawClient.hello(7, 1));
            assertThat(client.next()).isInstanceOf(Frame.Hello.class);
            isHealthy(client);
        }
    }

    @Test
    void aSecondHelloIsRefused() {
        try (RawClient client = RawClient.greet(daemon.socket())) {
            client.send(RawClient.hello(1));
            refused(client, ErrorCode.UNEXPECTED_FRAME, "the peer said hello twice");
        }
    }

    @Test
    void aCallBeforeTheHelloIsRefused() {
        try (RawClient client = RawClient.connect(daemon.socket())) {
            client.request(1, "type", Map.of(), "dir");
            refused(client, ErrorCode.UNEXPECTED_FRAME, "a connection must begin with a hello");
        }
    }

    @Test
    void theNumberOfACallThatIsUnderWayCannotBeUsedAgain() throws IOException {
        Path ready = scratch.file("twice");
        Path go = scratch.file("twice-go");
        try (RawClient client = RawClient.greet(daemon.socket())) {
            Value.Fields section = Requests.section(scratch, "torture", "ready", ready.toString(), "go", go.toString());
            client.request(5, "volume_size_info", Requests.volume(section, "wait"), "torture");
            client.request(5, "parse_volname", RAW, "dir");
            refused(client, ErrorCode.UNEXPECTED_FRAME, "the peer made call 5 twice at once");
        } finally {
            Files.createFile(go);
        }
    }

    @Test
    void theNumberOfACallThatIsAnsweredCanBeUsedAgainAtOnce() {
        try (RawClient client = RawClient.greet(daemon.socket())) {
            for (int i = 0; i < 2000; i++) {
                client.request(1, "parse_volname", RAW, "dir");
                assertThat(client.response().id()).isEqualTo(1);
            }
        }
    }

    static Stream<Arguments> calls() {
        Map<String, Value> volume = Map.of("volname", new Value.Int(7));
        return Stream.of(
                call(
                        "an unknown method",
                        ErrorCode.UNKNOWN_METHOD,
                        "the method 'explode' is in no API level",
                        c -> c.request(1, "explode", Map.of(), "dir")),
                call(
                        "a method with a newline",
                        ErrorCode.UNKNOWN_METHOD,
                        "the method 'ex?plode'",
                        c -> c.request(1, "ex\nplode", Map.of(), "dir")),
                call(
                        "an unknown plugin",
                        ErrorCode.UNKNOWN_PLUGIN,
                        "no plugin 'nas' is served; served are [btrfs, cephfs, cifs, dir, lvm, lvmthin, nfs, rbd, storpool,"
                                + " tenonbackup, tenonbtrfs, tenoncephfs, tenoncifs, tenondir, tenonlvm, tenonlvmthin,"
                                + " tenonnfs, tenonrbd, tenonstorpool, tenonzfspool, torture, zfspool]",
                        c -> c.request(1, "type", Map.of(), "nas")),
                call(
                        "no plugin",
                        ErrorCode.UNKNOWN_PLUGIN,
                        "the call names no plugin",
                        c -> c.request(1, "type", Map.of(), null)),
                call(
                        "a missing parameter",
                        ErrorCode.BAD_PARAMETER,
                        "parse_volname: the parameter 'volname' (volname) is missing",
                        c -> c.request(1, "parse_volname", Map.of(), "dir")),
                call(
                        "a parameter of another type",
                        ErrorCode.BAD_PARAMETER,
                        "parse_volname: the parameter 'volname' must be text, got the integer 7",
                        c -> c.request(1, "parse_volname", volume, "dir")),
                call(
                        "a parameter that nobody knows",
                        ErrorCode.BAD_PARAMETER,
                        "parse_volname: the parameter 'colour' is unknown; known are [volname]",
                        c -> c.request(
                                1,
                                "parse_volname",
                                Map.of("volname", Value.ofText("x"), "colour", Value.ofText("red")),
                                "dir")),
                call(
                        "a negative number",
                        ErrorCode.BAD_PARAMETER,
                        "find_free_diskname: the parameter 'vmid' must be an integer 0 .. 999999999, got the integer -1",
                        c -> c.request(
                                1,
                                "find_free_diskname",
                                Map.of(
                                        "storeid", Value.ofText("nas"),
                                        "scfg", new Value.Fields(Map.of("path", Value.ofText("/nowhere"))),
                                        "vmid", new Value.Int(-1)),
                                "dir")),
                call(
                        "a storage without a name",
                        ErrorCode.BAD_PARAMETER,
                        "storage ID '' cannot be shorter than 2 characters",
                        c -> c.request(
                                1,
                                "status",
                                Map.of(
                                        "storeid",
                                        Value.ofText(""),
                                        "scfg",
                                        new Value.Fields(Map.of("path", Value.ofText("/nowhere")))),
                                "dir")));
    }

    private static Arguments call(String what, ErrorCode code, String words, Consumer<RawClient> call) {
        return Arguments.of(what, code, words, call);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("calls")
    void aCallThatIsWrongGetsAnErrorForItsAnswerAndTheConnectionStays(
            String what, ErrorCode code, String words, Consumer<RawClient> call) {
        try (RawClient client = RawClient.greet(daemon.socket())) {
            call.accept(client);
            WireError error = client.failure().error();
            assertThat(error.errorCode()).isEqualTo(code);
            assertThat(error.message()).contains(words);
            assertThat(error.outcome()).isEqualTo(Outcome.NOT_STARTED);
            isASentence(error.message());
            isHealthy(client);
        }
    }

    @Test
    void somebodyElsesProcessIsRefusedThoughTheFileSystemLetsItIn() throws IOException {
        Assumptions.assumeTrue(
                Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "needs root, to become somebody else");
        for (Path directory : List.of(scratch.root(), scratch.runtime())) {
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        }
        Files.setPosixFilePermissions(daemon.socket(), PosixFilePermissions.fromString("rw-rw-rw-"));
        PerlProgram nobody = PerlProgram.run(scratch, List.of(), Installation.resource("perl/nobody.pl"));
        assertThat(nobody.said())
                .matches("PEER_REFUSED NOT_STARTED: type of dir: the process " + nobody.pid()
                        + " of user 65534 may not use this socket; call as the user that runs the daemon, or as root;"
                        + " it was not started\n");
    }
}

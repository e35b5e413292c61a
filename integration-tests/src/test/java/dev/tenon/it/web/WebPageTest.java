package dev.tenon.it.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.decorator.StatusCache;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.HangingMount;
import dev.tenon.it.support.Images;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** The page of a daemon, as programs see it. */
class WebPageTest {
    private static String config(Scratch scratch) {
        return "dir: nas\n\tpath " + scratch.storage() + "\n\tcontent images,iso\n";
    }

    @Test
    void onlyWhoKnowsTheTokenLearnsSomething(Scratch scratch) throws IOException {
        ShownDaemon shown = ShownDaemon.start(scratch, config(scratch));

        for (String path : List.of("/state", "/metrics", "/volumes?storage=nas", "/reports/0/report.html", "/other")) {
            assertThat(shown.getUnknown(path).status()).as(path).isEqualTo(401);
            assertThat(shown.getUnknown(path).body()).as(path).doesNotContain("nas");
        }
        assertThat(shown.ask(
                                "GET /state HTTP/1.1",
                                "Host: 127.0.0.1:" + shown.port(),
                                "Authorization: Bearer " + shown.token() + "0")
                        .status())
                .isEqualTo(401);
        assertThat(shown.get("/state").status()).isEqualTo(200);
        assertThat(shown.get("/other").status()).isEqualTo(404);
        assertThat(shown.getUnknown("/healthz").body()).isEqualTo("ok\n");
        assertThat(shown.getUnknown("/").body()).contains("<title>Tenon</title>");
        assertThat(Files.getPosixFilePermissions(scratch.file("token")))
                .isEqualTo(PosixFilePermissions.fromString("rw-------"));
        assertThat(shown.daemon().log()).doesNotContain(shown.token());
    }

    @Test
    void nothingCanBeChangedThere(Scratch scratch) {
        ShownDaemon shown = ShownDaemon.start(scratch, config(scratch));

        for (String method : List.of("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT")) {
            ShownDaemon.Answer answer = shown.ask(
                    method + " /state HTTP/1.1",
                    "Host: 127.0.0.1:" + shown.port(),
                    "Authorization: Bearer " + shown.token());
            assertThat(answer.status()).as(method).isEqualTo(405);
            assertThat(answer.headers()).as(method).containsEntry("allow", "GET, HEAD");
        }
        ShownDaemon.Answer head = shown.ask("HEAD / HTTP/1.1", "Host: 127.0.0.1:" + shown.port());
        assertThat(head.status()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        assertThat(head.headers().get("content-security-policy"))
                .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
                .doesNotContain("unsafe");
        assertThat(head.headers())
                .doesNotContainKey("access-control-allow-origin")
                .doesNotContainKey("set-cookie");
    }

    @Test
    void whatIsNoPlainRequestIsRefused(Scratch scratch) {
        ShownDaemon shown = ShownDaemon.start(scratch, config(scratch), "--web-name", "nodes.example:8443");
        String host = "Host: 127.0.0.1:" + shown.port();

        assertThat(shown.ask("GET / HTTP/1.1", "Host: evil.example:" + shown.port())
                        .status())
                .isEqualTo(403);
        assertThat(shown.ask("GET / HTTP/1.1").status()).isEqualTo(403);
        assertThat(shown.ask("GET / HTTP/1.1", host, host).status()).isEqualTo(400);
        assertThat(shown.ask("GET / HTTP/1.1", "Host: NODES.example:8443").status())
                .isEqualTo(200);
        assertThat(shown.ask("GET / HTTP/1.1", "Host: localhost:" + shown.port())
                        .status())
                .isEqualTo(200);
        assertThat(shown.ask("GET http://other/ HTTP/1.1", host).status()).isEqualTo(400);
        assertThat(shown.ask("GET /%zz HTTP/1.1", host).status()).isEqualTo(400);
        assertThat(shown.ask("GET /%00 HTTP/1.1", host).status()).isEqualTo(400);
        assertThat(shown.ask("GET / HTTP/2.0", host).status()).isEqualTo(400);
        assertThat(shown.ask("GET / HTTP/1.1", host, "Content-Length: 5").status())
                .isEqualTo(400);
        assertThat(shown.ask("GET / HTTP/1.1", host, "Transfer-Encoding: chunked")
                        .status())
                .isEqualTo(400);
        assertThat(shown.ask("GET / HTTP/1.1", host, "no header").status()).isEqualTo(400);
        assertThat(shown.ask("GET / HTTP/1.1", host, "X: " + "x".repeat(9000)).status())
                .isEqualTo(431);
        assertThat(shown.get("/reports/0/../../token").status()).isEqualTo(404);
        assertThat(shown.get("/page.html/../../../../../../etc/passwd").status())
                .isEqualTo(404);
    }

    @Test
    void callersAreCountedAndStoragesTellHowTheyAre(Scratch scratch) {
        ScratchStorage storage = ScratchStorage.create(scratch);
        ShownDaemon shown = ShownDaemon.start(
                scratch,
                config(scratch) + "\ndir: off\n\tpath " + scratch.storage() + "\n\tcontent images\n\tdisable 1\n",
                "--plugin",
                Installation.legacyDirPlugin().toString());
        PerlCaller perl = PerlCaller.start(scratch);
        Map<String, Object> section = storage.section("dir");
        for (int i = 0; i < 20; i++) {
            assertThat(perl.list("volume_size_info", section, "nas", ScratchStorage.RAW)
                            .list())
                    .isNotEmpty();
        }
        assertThat(perl.list("volume_size_info", section, "nas", "100/vm-100-disk-77.raw")
                        .died())
                .contains("vm-100-disk-77");
        shown.awaitState("nas", "active");

        String metrics = shown.get("/metrics").body();
        assertThat(metrics)
                .contains("tenon_call_seconds_count{type=\"dir\",method=\"volumeSizeInfo\"} 21\n")
                .contains("tenon_call_errors_total{type=\"dir\",method=\"volumeSizeInfo\",error=\"NOT_FOUND\"} 1\n")
                .contains("tenon_storage_active{storage=\"nas\",type=\"dir\"} 1\n")
                .contains("tenon_storage_silent_seconds{storage=\"nas\"} ")
                .contains("tenon_plugin_members{type=\"legacydir\"}");
        assertThat(metrics.lines().filter(line -> !line.startsWith("#")))
                .allMatch(line -> line.matches("[a-z_]+(\\{([a-z]+=\"[^\"]*\",?)+})? (NaN|[0-9.E-]+)"));
        assertThat(shown.get("/metrics").headers())
                .containsEntry("content-type", "text/plain; version=0.0.4; charset=utf-8");
        Map<?, ?> row = shown.storage("nas");
        assertThat(row.get("total")).isInstanceOf(Number.class);
        assertThat(row.get("age")).isInstanceOf(Number.class);
        assertThat(shown.get("/volumes?storage=nas").body())
                .contains("nas:" + ScratchStorage.RAW)
                .contains("nas:" + ScratchStorage.QCOW2);
        assertThat(shown.get("/volumes?storage=off").json())
                .containsEntry("problem", "storage 'off' is disabled, or is not for this node");
        assertThat(shown.get("/volumes?storage=none").json()).containsEntry("problem", "storage 'none' does not exist");
    }

    /** PVE's status daemon asks each storage, and what it is told is shown without another question. */
    @Test
    void whatACallerIsToldIsShown(Scratch scratch) throws IOException {
        ShownDaemon shown = ShownDaemon.start(scratch, config(scratch));
        ScratchStorage storage = ScratchStorage.empty(scratch);
        PerlCaller perl = PerlCaller.start(scratch);
        shown.awaitState("nas", "active");
        Map<String, Object> elsewhere = storage.section("dir");
        elsewhere.put("path", scratch.file("missing").toString());

        perl.list("status", "nas", elsewhere, PerlCaller.cache("one"));

        shown.awaitState("nas", "inactive");
    }

    @Test
    void aStorageThatHangsKeepsNobodyWaiting(Scratch scratch) {
        HangingMount hanging = HangingMount.make(scratch);
        ShownDaemon shown = ShownDaemon.start(
                scratch, config(scratch) + "\ndir: hangs\n\tpath " + hanging.path() + "\n\tcontent images\n");

        shown.awaitState("nas", "active");
        Awaitility.await("the silence is told").atMost(Duration.ofSeconds(60)).until(() -> {
            Map<?, ?> row = shown.storage("hangs");
            return row.get("silence") instanceof Number seconds
                    && seconds.doubleValue() > 0.5
                    && "unknown".equals(row.get("state"));
        });
        // It is asked once, however often somebody looks.
        for (int i = 0; i < 20; i++) {
            assertThat(shown.get("/state").status()).isEqualTo(200);
        }
        long asking = threads(shown.daemon().pid(), "web-ask-hangs");
        assertThat(asking).isLessThanOrEqualTo(1);
    }

    /** Its callers are told something else meanwhile. A directory of reports that hangs as well is in nobody's way. */
    @Test
    void aPerlPluginWhoseStorageHangsIsSilent(Scratch scratch) throws IOException {
        HangingMount hanging = HangingMount.make(scratch);
        Path looking = Files.writeString(scratch.file("LookingPlugin.pm"), """
                package PVE::Storage::Custom::LookingPlugin;
                use strict;
                use warnings;
                use base qw(PVE::Storage::Plugin);
                sub api { return 13; }
                sub type { return 'looking'; }
                sub plugindata { return { content => [ { images => 1 }, { images => 1 } ] }; }
                sub options { return { path => { fixed => 1 }, content => { optional => 1 } }; }
                sub status { my ($class, $storeid, $scfg) = @_; return (3, 2, 1, -e "$scfg->{path}/here" ? 1 : 0); }
                1;
                """);
        ShownDaemon shown = ShownDaemon.start(
                scratch,
                "looking: nas\n\tpath " + scratch.root() + "\n\tcontent images\n\nlooking: hangs\n\tpath "
                        + hanging.path() + "\n\tcontent images\n",
                "--plugin",
                looking.toString(),
                "--web-reports",
                hanging.path().toString());
        shown.awaitState("nas", "inactive");

        assertThat(StatusCache.Settings.USUAL.patience()).isLessThan(Duration.ofSeconds(5));
        Awaitility.await("the silence is told").atMost(Duration.ofSeconds(60)).until(() -> {
            Map<?, ?> row = shown.storage("hangs");
            return row.get("silence") instanceof Number seconds
                    && seconds.doubleValue() > 5
                    && "unknown".equals(row.get("state"));
        });
        assertThat(shown.get("/reports/0/report.html").body()).contains("of the report does not answer");
        assertThat(shown.get("/metrics").body())
                .doesNotContain("tenon_storage_silent_seconds{storage=\"hangs\"} 0.")
                .doesNotContain("tenon_storage_active{storage=\"hangs\"");
        // Each would keep one of few threads.
        assertThat(String.valueOf(shown.get("/volumes?storage=hangs").json().get("problem")))
                .matches(
                        "storage 'hangs' has not answered for [0-9]+ s, and is not asked for its volumes before it does");
        hanging.close();
    }

    private static long threads(long process, String name) {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/" + process + "/task"))) {
            return tasks.filter(task -> {
                        try {
                            return Files.readString(task.resolve("comm"))
                                    .strip()
                                    .equals(name);
                        } catch (IOException e) {
                            return false;
                        }
                    })
                    .count();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void thoseWhoSayNothingKeepNoCallWaiting(Scratch scratch) throws IOException {
        ScratchStorage storage = ScratchStorage.empty(scratch);
        Images.raw(storage.path(), 100, "vm-100-disk-0.raw");
        ShownDaemon shown = ShownDaemon.start(scratch, config(scratch));
        List<Socket> silent = new ArrayList<>();
        try {
            for (int i = 0; i < 200; i++) {
                Socket socket = shown.connect();
                socket.getOutputStream().write("GET /state HT".getBytes(StandardCharsets.US_ASCII));
                silent.add(socket);
            }
            PerlCaller perl = PerlCaller.start(scratch);
            assertThat(perl.list("volume_size_info", storage.section("dir"), "nas", "100/vm-100-disk-0.raw")
                            .list())
                    .isNotEmpty();
            // They lose their connections, and the page is there for others.
            for (Socket socket : silent) {
                assertThat(end(socket)).isLessThanOrEqualTo(0);
            }
            Awaitility.await("there is room again")
                    .atMost(Duration.ofSeconds(30))
                    .ignoreExceptions()
                    .until(() -> shown.getUnknown("/healthz").status() == 200);
        } finally {
            for (Socket socket : silent) {
                socket.close();
            }
        }
    }

    private static int end(Socket socket) throws IOException {
        try {
            return socket.getInputStream().read();
        } catch (SocketException e) {
            return 0; // it was reset
        }
    }

    @Test
    void reportsAreShownAndNothingInThemRuns(Scratch scratch) throws IOException {
        Path reports = scratch.file("reports");
        Path one = Files.createDirectories(reports.resolve("<img src=x>"));
        Files.writeString(one.resolve("report.html"), "<script>alert(1)</script>");
        Files.writeString(one.resolve("report.json"), "{}");
        Files.createSymbolicLink(one.resolve("report.xml"), Path.of("/etc/passwd"));
        Path linked = Files.createDirectories(reports.resolve("linked"));
        Files.createSymbolicLink(linked.resolve("report.html"), Path.of("/etc/passwd"));
        ShownDaemon shown = ShownDaemon.start(
                scratch,
                config(scratch),
                "--web-reports",
                reports.toString(),
                "--shadow-report",
                scratch.file("none").toString());

        List<?> listed = Awaitility.await("reports are found")
                .atMost(Duration.ofSeconds(60))
                .until(
                        () -> (List<?>) Objects.requireNonNull(
                                shown.get("/state").json().get("reports")),
                        found -> found.size() == 1);
        Map<?, ?> row = (Map<?, ?>) listed.getFirst();
        assertThat(row.get("name")).isEqualTo("<img src=x>");
        Map<?, ?> links = (Map<?, ?>) Objects.requireNonNull(row.get("links"));
        assertThat(links.keySet().stream().map(String::valueOf)).containsExactly("report.html", "report.json");
        String link = String.valueOf(links.get("report.html"));
        ShownDaemon.Answer page = shown.getUnknown(link);
        assertThat(page.status()).isEqualTo(200);
        assertThat(page.body()).isEqualTo("<script>alert(1)</script>");
        assertThat(page.headers().get("content-security-policy"))
                .isEqualTo("default-src 'none'; style-src 'unsafe-inline'; sandbox");
        assertThat(shown.getUnknown(link.replaceFirst("[?].*", "")).status()).isEqualTo(401);
        assertThat(shown.getUnknown(link.replace("report.html", "report.json")).status())
                .isEqualTo(401);
        assertThat(shown.getUnknown(link.replaceFirst("until=[0-9]+", "until=99999999999"))
                        .status())
                .isEqualTo(401);
        assertThat(shown.get("/reports/0/linked/report.html").status()).isEqualTo(404);
        assertThat(shown.get("/reports/0/%3Cimg%20src=x%3E/report.xml").status())
                .isEqualTo(404);
    }

    @Test
    void aUnixSocketIsForItsOwnerAlone(Scratch scratch) throws IOException {
        Path socket = scratch.runtime().resolve("web.sock");
        Path token = Files.writeString(scratch.file("token"), "a-token-of-somebody-else\n");
        Files.setPosixFilePermissions(token, PosixFilePermissions.fromString("rw-------"));
        DaemonProcess daemon = DaemonProcess.startWith(
                scratch,
                List.of(
                        "--adopted",
                        scratch.file("nothing-adopted").toString(),
                        "--web",
                        "unix:" + socket,
                        "--web-token",
                        token.toString()));
        daemon.awaitListening();

        assertThat(Files.getPosixFilePermissions(socket)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            channel.write(ByteBuffer.wrap(
                    "GET /metrics HTTP/1.1\r\nHost: any\r\nAuthorization: Bearer a-token-of-somebody-else\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII)));
            try (InputStream in = Channels.newInputStream(channel)) {
                assertThat(ShownDaemon.read(in).body()).contains("tenon_uptime_seconds");
            }
        }
        daemon.terminate();
        assertThat(daemon.awaitEnd()).isEqualTo(143);
        assertThat(socket).doesNotExist();
    }

    /** Another daemon's, for instance, whose callers would come to the page. */
    @Test
    void aSocketThatSomebodyListensAtIsLeftAlone(Scratch scratch) throws IOException {
        Path control = DaemonProcess.socketIn(scratch);
        assertThat(refused(scratch, "--web", "unix:" + control)).contains("is the control socket of the daemon");
        Path socket = scratch.runtime().resolve("web.sock");
        try (ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            other.bind(UnixDomainSocketAddress.of(socket));
            DaemonProcess daemon = DaemonProcess.startWith(
                    scratch,
                    List.of(
                            "--adopted",
                            scratch.file("nothing-adopted").toString(),
                            "--web",
                            "unix:" + socket,
                            "--web-token",
                            scratch.file("token").toString()));
            daemon.awaitListening();

            assertThat(daemon.log()).contains("event=web-not-there", "somebody listens at");
            try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
                assertThat(channel.isConnected()).isTrue();
            }
        }
        Files.delete(socket);
    }

    @Test
    void anAddressOfIpv6HasSeveralSpellings(Scratch scratch) throws IOException {
        assumeTrue(Files.exists(Path.of("/proc/net/if_inet6")), "this machine has no IPv6");
        Path token = scratch.file("token");
        DaemonProcess daemon = DaemonProcess.startWith(
                scratch,
                List.of(
                        "--adopted",
                        scratch.file("nothing-adopted").toString(),
                        "--web",
                        "[::1]:0",
                        "--web-token",
                        token.toString()));
        daemon.awaitListening();
        Matcher address =
                Pattern.compile("event=web address=\\[[0:]+1]:([0-9]+) ").matcher(daemon.log());
        assertThat(address.find()).as(daemon.log()).isTrue();
        int port = Integer.parseInt(address.group(1));
        for (String name : List.of("[::1]:", "[0:0:0:0:0:0:0:1]:", "localhost:")) {
            assertThat(healthz(port, name + port)).as(name).isEqualTo(200);
        }
        assertThat(healthz(port, "[::2]:" + port)).isEqualTo(403);
        assertThat(healthz(port, "[::1]")).isEqualTo(403);
    }

    private static int healthz(int port, String host) throws IOException {
        try (Socket socket = new Socket(InetAddress.ofLiteral("::1"), port)) {
            socket.getOutputStream()
                    .write(("GET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            return ShownDaemon.read(socket.getInputStream()).status();
        }
    }

    @Test
    void whatWouldShowTooMuchIsRefusedBeforeAnythingIsMade(Scratch scratch) throws IOException {
        assertThat(refused(scratch, "--web", "0.0.0.0:8080"))
                .contains("other machines reach the page at '0.0.0.0:8080'", "--web-open");
        assertThat(refused(scratch, "--web", "nas.example:8080"))
                .contains("'nas.example:8080' is no address of a page");
        assertThat(refused(scratch, "--web-open")).contains("add --web ADDRESS");
        Path token = Files.writeString(scratch.file("open"), "a-token-that-all-can-read\n");
        assertThat(refused(scratch, "--web", "127.0.0.1:0", "--web-token", token.toString()))
                .contains("others than its owner may use the token", "chmod 600");
        Files.setPosixFilePermissions(token, PosixFilePermissions.fromString("rw-------"));
        if ("root".equals(System.getProperty("user.name"))) {
            Files.setAttribute(token, "unix:uid", 12_345);
            assertThat(refused(scratch, "--web", "127.0.0.1:0", "--web-token", token.toString()))
                    .contains("belongs to another user");
            Files.setAttribute(token, "unix:uid", 0);
        }
        Files.writeString(token, "short");
        assertThat(refused(scratch, "--web", "127.0.0.1:0", "--web-token", token.toString()))
                .contains("holds no token of the page");
    }

    private static String refused(Scratch scratch, String... options) throws IOException {
        List<String> all = new ArrayList<>(
                List.of("--adopted", scratch.file("nothing-adopted").toString()));
        all.addAll(List.of(options));
        DaemonProcess daemon =
                DaemonProcess.launchAt(scratch, DaemonProcess.socketIn(scratch), scratch.file("journal"), all);
        assertThat(daemon.awaitEnd()).isNotZero();
        return daemon.log();
    }

    /** Storages matter more than the page. */
    @Test
    void aPortThatSomebodyHasKeepsNoDaemonFromServing(Scratch scratch) {
        ShownDaemon first = ShownDaemon.start(scratch, config(scratch));
        DaemonProcess second = DaemonProcess.launchAt(
                scratch,
                scratch.runtime().resolve("second.sock"),
                scratch.file("journal2"),
                List.of(
                        "--adopted",
                        scratch.file("nothing-adopted").toString(),
                        "--web",
                        "127.0.0.1:" + first.port(),
                        "--web-token",
                        scratch.file("token").toString()));
        second.awaitReady();
        second.awaitListening();

        assertThat(second.log()).contains("event=web-not-there", "(--web): Address already in use");
        second.terminate();
        assertThat(second.awaitEnd()).isEqualTo(143);
    }

    @Test
    void thePageGoesToTheDaemonThatTakesOver(Scratch scratch) throws IOException {
        ShownDaemon shown = ShownDaemon.start(scratch, config(scratch));
        Path copy = scratch.file("copy");
        Installation.copyTo(copy);
        DaemonProcess next = DaemonProcess.launchTakingOver(
                scratch,
                copy,
                "--config",
                scratch.file("storage.cfg").toString(),
                "--web",
                "127.0.0.1:" + shown.port(),
                "--web-token",
                scratch.file("token").toString());
        next.awaitListening();

        assertThat(next.log()).contains("event=web address=127.0.0.1:" + shown.port());
        assertThat(shown.get("/state").json()).containsEntry("pid", (int) next.pid());
        next.terminate();
        assertThat(next.awaitEnd()).isEqualTo(143);
    }
}

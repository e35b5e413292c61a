package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.perl.SidecarSettings.Limit;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Background;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A plugin has as many processes as it has calls at once, and none of them knows of the others, as in PVE. */
class FamilyTest extends WithFamily {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int CALLERS = 8;

    // ---- calls at once

    @Test
    void aCallIsAnsweredWhileAnotherOfTheSamePluginLasts() throws Exception {
        SidecarHost host = start(settings -> settings);
        Background<Long> lasting = Background.of(() -> ask(host, "wait-a"));
        awaitReady("a");

        long other = ask(host, "pid");

        assertThat(host.plugin().members()).hasSize(2);
        go("a");
        assertThat(lasting.result()).isNotEqualTo(other);
    }

    @Test
    void theCallsOfAHostProcessGoToTheMemberThatItHadBefore() throws Exception {
        SidecarHost host = start(settings -> settings);
        Background<Long> first = Background.of(() -> process(1).call(() -> ask(host, "wait-a")));
        awaitReady("a");
        long second = process(2).call(() -> ask(host, "pid"));
        go("a");
        long one = first.result();

        for (int i = 0; i < 5; i++) {
            assertThat(process(1).call(() -> ask(host, "pid"))).isEqualTo(one);
            assertThat(process(2).call(() -> ask(host, "pid"))).isEqualTo(second);
        }
    }

    @Test
    void longCallsLeaveTwoMembersToShortOnes() throws Exception {
        SidecarHost host = start(settings -> settings.withMembers(5));
        PerlStoragePlugin plugin = host.plugin();
        List<Background<Boolean>> snapshots = new ArrayList<>();
        for (String name : List.of("a", "b", "c")) {
            snapshots.add(snapshot(host, host.storage(), name));
            if (!name.equals("c")) {
                awaitReady(name);
            }
        }
        snapshots.getLast().awaitWaiting();

        Background<Long> third = Background.of(() -> ask(host, "wait-d"));
        awaitReady("d");
        assertThat(ask(host, "pid")).isPositive();
        assertThat(plugin.members()).hasSize(4);
        assertThat(scratch.storage().resolve("ready-c")).doesNotExist();

        go("d");
        assertThat(third.result()).isPositive();
        go("a");
        awaitReady("c");
        go("b");
        go("c");
        for (Background<Boolean> snapshot : snapshots) {
            assertThat(snapshot.result()).isTrue();
        }
    }

    @Test
    void aStorageWhoseLongCallsHangLeavesAMemberToLongCallsOfTheOthers() throws Exception {
        SidecarHost host = start(settings -> settings.withMembers(7));
        List<Background<Boolean>> hanging = new ArrayList<>();
        for (String name : List.of("a", "b", "c", "d")) {
            hanging.add(snapshot(host, host.storage(), name));
            if (!name.equals("d")) {
                awaitReady(name);
            }
        }
        hanging.getLast().awaitWaiting();

        Storage other = new Storage(
                new dev.tenon.core.spi.StorageId("other"), host.storage().config());
        Background<Boolean> free = snapshot(host, other, "e");
        awaitReady("e");
        assertThat(scratch.storage().resolve("ready-d")).doesNotExist();

        for (String name : List.of("a", "b", "c", "d", "e")) {
            go(name);
        }
        assertThat(free.result()).isTrue();
        for (Background<Boolean> call : hanging) {
            assertThat(call.result()).isTrue();
        }
    }

    private static Background<Boolean> snapshot(SidecarHost host, Storage storage, String name) {
        return Background.of(() -> {
            host.plugin().snapshotVolume(storage, new VolumeName("volume"), new SnapshotName(name));
            return true;
        });
    }

    @Test
    void aStorageWhoseCallsHangLeavesAMemberToTheOthers() throws Exception {
        SidecarHost host = start(settings -> settings.withMembers(4).with(Limit.WAIT, Duration.ofMillis(300)));
        List<Background<Long>> hanging = new ArrayList<>();
        for (String name : List.of("a", "b", "c")) {
            hanging.add(Background.of(() -> ask(host, "wait-" + name)));
            awaitReady(name);
        }

        StorageException e = catchThrowableOfType(StorageException.class, () -> ask(host, "pid"));
        assertThat(e.error()).isEqualTo(StorageError.PLUGIN_BUSY);
        assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED);
        assertThat(e)
                .hasMessage("volume_size_info of storage 'nas', volume 'pid': waited 300 ms for the plugin, which is"
                        + " busy with 3 calls, of which the longest is volume_size_info of storage 'nas', volume"
                        + " 'wait-a'");
        Storage other = new Storage(
                new dev.tenon.core.spi.StorageId("other"), host.storage().config());
        assertThat(ask(host, other, "pid")).isPositive();

        for (String name : List.of("a", "b", "c")) {
            go(name);
        }
        for (Background<Long> call : hanging) {
            assertThat(call.result()).isPositive();
        }
    }

    @Test
    void noTwoMembersDrawTheSameRandomNumbers() throws Exception {
        SidecarHost host = start(settings -> settings);
        Background<Long> lasting = Background.of(() -> ask(host, "wait-a"));
        awaitReady("a");
        long one = process(2).call(() -> ask(host, "random"));
        go("a");
        long pid = lasting.result();
        assertThat(process(3).call(() -> ask(host, "pid"))).isIn(pid, process(2).call(() -> ask(host, "pid")));
        Set<Long> drawn = new HashSet<>(Set.of(one));
        for (int i = 0; i < 4; i++) {
            assertThat(drawn.add(ask(host, "random"))).isTrue();
        }
    }

    // ---- what is kept

    @Test
    void whatAPluginKeepsInItsSectionIsThereForTheSameHostProcessOnly() {
        SidecarHost host = start(settings -> settings);
        assertThat(process(1).call(() -> ask(host, "remember"))).isEqualTo(1);
        assertThat(process(1).call(() -> ask(host, "remember"))).isEqualTo(2);
        assertThat(process(2).call(() -> ask(host, "remember"))).isEqualTo(1);
        assertThat(process(1).call(() -> ask(host, "remember"))).isEqualTo(3);
    }

    @Test
    void whatWasKeptInAnotherMemberIsNotFoundAgainAfterTheCallerCameBack() throws Exception {
        SidecarHost host = start(settings -> settings);
        assertThat(process(1).call(() -> ask(host, "remember"))).isEqualTo(1);
        Background<Long> taking = Background.of(() -> process(2).call(() -> ask(host, "wait-a")));
        awaitReady("a");
        // Its member is busy with another's call, so this one is somewhere else.
        assertThat(process(1).call(() -> ask(host, "remember"))).isEqualTo(1);
        Background<Long> other = Background.of(() -> process(3).call(() -> ask(host, "wait-b")));
        awaitReady("b");
        go("a");
        taking.result();
        assertThat(process(1).call(() -> ask(host, "remember"))).isEqualTo(1);
        go("b");
        other.result();
    }

    // ---- ends

    @Test
    void aCrashTakesOnlyItsOwnCallWithIt() throws Exception {
        SidecarHost host = start(settings -> settings);
        Background<Long> lasting = Background.of(() -> ask(host, "wait-a"));
        awaitReady("a");

        assertThatThrownBy(() -> ask(host, "kill")).hasMessageContaining("was ended by signal 9 (SIGKILL)");

        go("a");
        assertThat(lasting.result()).isPositive();
        assertThat(ask(host, "pid")).isPositive();
    }

    @Test
    void anIdleMemberThatHangsIsFoundOutBeforeItGetsACall() throws Exception {
        SidecarHost host = start(
                settings -> settings.with(Limit.IDLE, Duration.ofMillis(600)).with(Limit.STOP, Duration.ofMillis(200)));
        long hanging = ask(host, "pid");
        assertThat(new ProcessBuilder("kill", "-STOP", Long.toString(hanging))
                        .start()
                        .waitFor())
                .isZero();
        await().atMost(LIMIT)
                .until(() -> host.plugin().members().getFirst().since().toMillis() > 100);

        assertThat(ask(host, "pid")).isPositive().isNotEqualTo(hanging);

        await().atMost(LIMIT).until(() -> ProcessHandle.of(hanging).isEmpty());
        assertThat(host.log()).anyMatch(line -> line.contains("event=member-silent"));
    }

    @Test
    void membersThatAreIdleEndAfterAWhileAndLogOut() throws Exception {
        SidecarHost host = start(settings -> settings.with(Limit.IDLE, Duration.ofMillis(200)));
        List<Background<Long>> calls = new ArrayList<>();
        for (String name : List.of("a", "b", "c")) {
            calls.add(Background.of(() -> {
                ask(host, "noting");
                return ask(host, "wait-" + name);
            }));
            awaitReady(name);
        }
        for (String name : List.of("a", "b", "c")) {
            go(name);
        }
        Set<String> pids = new HashSet<>();
        for (Background<Long> call : calls) {
            pids.add("end " + call.result());
        }
        assertThat(pids).hasSize(3);

        await().atMost(LIMIT).until(() -> host.plugin().members().size() == 1);
        await().atMost(LIMIT)
                .untilAsserted(
                        () -> assertThat(Files.readAllLines(scratch.storage().resolve("notes")))
                                .hasSize(2)
                                .allMatch(pids::contains));
        host.close();
        assertThat(Files.readAllLines(scratch.storage().resolve("notes"))).containsExactlyInAnyOrderElementsOf(pids);
    }

    @Test
    void theEndOfTheProcessThatHasLoadedThePluginTakesNoCallWithIt() throws Exception {
        SidecarHost host = start(settings -> settings);
        Background<Long> lasting = Background.of(() -> ask(host, "wait-a"));
        awaitReady("a");
        ProcessHandle parent = host.process().parent().orElseThrow();
        assertThat(parent.destroyForcibly()).isTrue();
        parent.onExit().join();

        long other = ask(host, "pid");

        go("a");
        assertThat(lasting.result()).isNotEqualTo(other);
        assertThat(ProcessHandle.of(other).orElseThrow().parent().orElseThrow()).isNotEqualTo(parent);
    }

    // ---- output

    @Test
    void aLineWithoutAnEndIsCutAndThePluginGoesOn() {
        SidecarHost host = start(settings -> settings);

        assertThat(ask(host, "flood")).isPositive();

        assertThat(host.log())
                .filteredOn(line -> line.contains("volume 'flood'"))
                .singleElement()
                .asString()
                .endsWith("xxx ... (" + (63L << 20) + " bytes more)");
    }

    // ---- storms

    /** An appliance that knows to which process it gave a session. */
    private static final class Appliance implements AutoCloseable {
        private final HttpServer server;
        private final Map<String, String> sessions = new ConcurrentHashMap<>();
        private final List<String> logins = new ArrayList<>();
        private final AtomicInteger foreign = new AtomicInteger();

        Appliance() throws IOException {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", this::answer);
            server.start();
        }

        String url() {
            return "http://127.0.0.1:" + server.getAddress().getPort();
        }

        private synchronized void answer(HttpExchange exchange) throws IOException {
            Map<String, String> query = Arrays.stream(
                            Objects.requireNonNullElse(exchange.getRequestURI().getQuery(), "")
                                    .split("&", -1))
                    .map(pair -> pair.split("=", 2))
                    .filter(pair -> pair.length == 2)
                    .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
            String pid = query.getOrDefault("pid", "");
            String session = query.getOrDefault("session", "");
            String path = exchange.getRequestURI().getPath();
            int status = 200;
            String text = pid;
            if (path.equals("/login")) {
                logins.add(pid);
                text = "session-" + logins.size();
                sessions.put(text, pid);
            } else if (!pid.equals(sessions.get(session))) {
                foreign.incrementAndGet();
                status = 403;
            } else if (path.equals("/logout")) {
                sessions.remove(session);
            }
            byte[] body = text.getBytes(StandardCharsets.US_ASCII);
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        }

        @Override
        public void close() {
            server.stop(0);
        }
    }

    @Test
    void aPluginWithALoginInAGlobalLogsInOncePerMemberAndOutAtItsEnd() throws Exception {
        try (Appliance appliance = new Appliance()) {
            SidecarHost host = start(settings -> settings);
            Storage storage = host.storage("appliance", appliance.url());
            List<Background<Long>> callers = IntStream.range(0, CALLERS)
                    .mapToObj(caller -> Background.of(() -> process(caller).call(() -> {
                        long last = 0;
                        for (int i = 0; i < 20; i++) {
                            last = ask(host, storage, "appliance");
                        }
                        return last;
                    })))
                    .toList();
            for (Background<Long> caller : callers) {
                assertThat(caller.result()).isPositive();
            }
            assertThat(appliance.logins).isNotEmpty().doesNotHaveDuplicates();
            assertThat(appliance.sessions).hasSameSizeAs(appliance.logins);
            host.close();
            assertThat(appliance.sessions).isEmpty();
            assertThat(appliance.foreign).hasValue(0);
        }
    }
}

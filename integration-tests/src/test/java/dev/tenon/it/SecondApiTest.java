package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.bridge.codec.Callee;
import dev.tenon.bridge.serve.Daemon;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Ledger;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.proto.Api;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** An API of two methods that nothing of Tenon knows crosses both ways, from its table alone. */
@ExtendWith(Ledger.class)
class SecondApiTest {
    private static final Path TABLE = Installation.resource("greeting.json");
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final Api api = read();

    private static Api read() {
        try (InputStream in = Files.newInputStream(TABLE)) {
            return Api.read(in);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private Value inn(String method, Fields params) {
        api.method(method).checkParams(params);
        return switch (method) {
            case "greet" ->
                Value.ofText("Welcome " + ((Value.Text) params.get("guest")).value() + " "
                        + ((Value.Int) params.get("times")).value());
            default -> new Value.Seq(List.of(Value.fields("name", Value.ofText("Cid"), "visits", new Value.Int(7))));
        };
    }

    @Test
    void perlCallsJava(Scratch scratch) throws IOException {
        Callee inn = (method, params, caller) -> inn(method, params);
        Path socket = scratch.runtime().resolve("control.sock");
        try (UnixSockets sockets = new UnixSockets();
                Daemon _ = Daemon.start(sockets, socket, new ServedPlugins(api, Map.of("inn", inn)))) {
            PerlProgram client = PerlProgram.run(
                    scratch, List.of(), Installation.resource("perl/greeting-client.pl"), TABLE.toString());

            assertThat(client.said().lines())
                    .containsExactly("Welcome Ann 2", "Cid 7", "greet: the parameter 'guest' is missing");
        }
    }

    @Test
    void javaCallsPerl(Scratch scratch) throws Exception {
        Path socket = scratch.runtime().resolve("inn.sock");
        CompletableFuture<Session> connected = new CompletableFuture<>();
        try (UnixSockets sockets = new UnixSockets();
                UnixSockets.Listener _ = sockets.listen(socket, connection -> {
                    Session session = new Session(
                            connection,
                            new Session.Settings(api, "host", Value.fields(), peer -> true, call -> Value.Nil.NIL));
                    var _ = session.opened().thenRun(() -> connected.complete(session));
                    return session;
                })) {
            PerlProgram server = PerlProgram.start(
                    scratch,
                    List.of(),
                    Installation.resource("perl/greeting-server.pl"),
                    TABLE.toString(),
                    socket.toString());
            Session session = connected.get(LIMIT.toSeconds(), TimeUnit.SECONDS);

            Value greeting =
                    session.call("greet", Value.fields("guest", Value.ofText("Dan"), "times", new Value.Int(9)), LIMIT);
            Value guests = session.call("list_guests", Value.fields(), LIMIT);

            assertThat(greeting).as("level 1 has no times").isEqualTo(Value.ofText("Good evening, Dan"));
            assertThat(guests)
                    .isEqualTo(new Value.Seq(List.of(
                            Value.fields("name", Value.ofText("Ann"), "visits", new Value.Int(3)),
                            Value.fields("name", Value.ofText("Bob"), "visits", new Value.Int(0)))));
            api.method("list_guests").checkResult(guests);
            session.close("DONE", "");
            assertThat(server.awaitEnd()).isZero();
        }
    }
}

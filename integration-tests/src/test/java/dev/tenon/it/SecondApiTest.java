package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.bridge.codec.Functions;
import dev.tenon.bridge.codec.Outgoing;
import dev.tenon.bridge.codec.TypedApi;
import dev.tenon.bridge.codec.TypedMethod;
import dev.tenon.bridge.codec.Types;
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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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

    /** The API in Java: nothing more is written for it to cross than this and its table. */
    public interface Inn {
        String greet(String guest, @Nullable Long times);

        List<Guest> listGuests();
    }

    /** A record of the table. */
    public record Guest(String name, long visits) {}

    private final TypedApi<Inn> typed = new TypedApi<>(api, Inn.class, Types.plain(), Map.of());

    private final Inn inn = new Inn() {
        @Override
        public String greet(String guest, @Nullable Long times) {
            return "Welcome " + guest + " " + times;
        }

        @Override
        public List<Guest> listGuests() {
            return List.of(new Guest("Cid", 7));
        }
    };

    /** Calls a method of the interface on the far side. */
    private @Nullable Object call(Session session, String method, @Nullable Object... arguments) throws Exception {
        TypedMethod row = typed.method(method);
        List<@Nullable Object> given = Arrays.asList(arguments);
        try (Outgoing call = new Outgoing(new Functions(), token -> {})) {
            Value answer = session.call(row.row().name(), new Fields(row.params(given, call)), LIMIT);
            row.row().checkResult(answer);
            return row.answering().read(answer, given, call);
        }
    }

    @Test
    void perlCallsJava(Scratch scratch) throws IOException {
        Path socket = scratch.runtime().resolve("control.sock");
        try (UnixSockets sockets = new UnixSockets();
                Daemon _ = Daemon.start(sockets, socket, new ServedPlugins(api, Map.of("inn", typed.callee(inn))))) {
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

            assertThat(call(session, "greet", "Dan", 9L))
                    .as("level 1 has no times")
                    .isEqualTo("Good evening, Dan");
            assertThat(call(session, "listGuests")).isEqualTo(List.of(new Guest("Ann", 3), new Guest("Bob", 0)));
            session.close("DONE", "");
            assertThat(server.awaitEnd()).isZero();
        }
    }
}

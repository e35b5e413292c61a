package dev.tenon.bridge.perl;

import dev.tenon.bridge.session.CallHandler;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.bridge.transport.Connection;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The socket where the process that has loaded a plugin, and those that are forked from it, connect. One that nobody waits
 * for any more is sent away, so it is never mistaken for another that got its number later.
 */
final class Arrivals implements AutoCloseable {
    /** That of the first process, which needs none. */
    private static final String NO_TOKEN = "";

    private final Parent.Surroundings surroundings;
    private final UnixSockets.Listener listener;
    private final CompletableFuture<Long> parent = new CompletableFuture<>();
    private final Map<String, CompletableFuture<Session>> awaited = new ConcurrentHashMap<>();

    private Arrivals(Parent.Surroundings surroundings, Path socket) throws IOException {
        this.surroundings = surroundings;
        this.listener = surroundings.sockets().listen(socket, this::session);
    }

    /** Begins to listen. */
    static Arrivals listen(Parent.Surroundings surroundings, Path socket) throws IOException {
        return new Arrivals(surroundings, socket);
    }

    Path socket() {
        return listener.path();
    }

    private Session session(Connection connection) {
        // The handler needs the session, and the session the handler.
        CompletableFuture<CallHandler> handler = new CompletableFuture<>();
        Session session = new Session(
                connection,
                new Session.Settings(
                                StorageApi.API,
                                "host",
                                Value.fields(
                                        "descriptors",
                                        Value.ofText(surroundings
                                                .descriptors()
                                                .path()
                                                .toString())),
                                peer -> isOf(parent.join(), peer.pid()),
                                call -> handler.join().handle(call))
                        .hearing(notice -> surroundings.outputs().note(notice.params())));
        handler.complete(surroundings.nested().apply(session));
        var _ = session.opened().thenAccept(hello -> arrived(session, hello));
        return session;
    }

    private void arrived(Session session, Value.Fields hello) {
        String token = hello.get("token") instanceof Value.Text(String text) ? text : NO_TOKEN;
        CompletableFuture<Session> waiting = awaited.remove(token);
        if (waiting == null || !waiting.complete(session)) {
            session.close("SHUTTING_DOWN", "nobody waits for this process");
        }
    }

    /** Whether a process is another one, or a child of it. */
    static boolean isOf(long process, long pid) {
        return process == pid
                || ProcessHandle.of(pid)
                        .flatMap(ProcessHandle::parent)
                        .filter(parent -> parent.pid() == process)
                        .isPresent();
    }

    /**
     * Waits for the process that is to load the plugin.
     *
     * @param started completes with its number; who connects before it does waits, and is refused if it never does
     */
    CompletableFuture<Session> awaitParent(CompletableFuture<Process> started) {
        var _ = started.whenComplete((process, e) -> {
            if (process != null) {
                parent.complete(process.pid());
            } else {
                parent.cancel(false);
            }
        });
        return awaitChild(NO_TOKEN);
    }

    /** Waits for a process that will be forked, and tells this token. */
    CompletableFuture<Session> awaitChild(String token) {
        return awaited.computeIfAbsent(token, _ -> new CompletableFuture<>());
    }

    /** Stops waiting for a process that has not connected. */
    void giveUp(String token) {
        awaited.remove(token);
    }

    /** Accepts no further connections. */
    @Override
    public void close() {
        parent.cancel(false);
        listener.close();
    }
}

package dev.tenon.bridge.serve;

import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.transport.PeerCredentials;
import dev.tenon.bridge.transport.SocketFile;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/** Listens on the control socket and serves storage plugins to whoever may use it: its own user, and root. */
public final class Daemon implements AutoCloseable {
    private final UnixSockets.Listener listener;
    private final DescriptorSocket descriptors;
    private final Set<Session> sessions;

    private Daemon(UnixSockets.Listener listener, DescriptorSocket descriptors, Set<Session> sessions) {
        this.listener = listener;
        this.descriptors = descriptors;
        this.sessions = sessions;
    }

    /**
     * Begins to listen.
     *
     * @param socket where the control socket appears, mode 0600, once it answers; that for descriptors is beside it
     * @throws IOException if it cannot be bound, or another daemon answers there
     */
    public static Daemon start(UnixSockets sockets, Path socket, ServedPlugins plugins) throws IOException {
        // Where another daemon answers, its own socket is the one to name.
        SocketFile.at(socket);
        DescriptorSocket descriptors = DescriptorSocket.listen(besides(socket), admitsOwnUser());
        try {
            return start(sockets, socket, plugins, descriptors);
        } catch (IOException | RuntimeException e) {
            descriptors.close();
            throw e;
        }
    }

    /** {@code control.fds} for {@code control.sock}: other sockets of the directory have others, and none is longer. */
    private static Path besides(Path socket) {
        String name = String.valueOf(socket.getFileName());
        return socket.resolveSibling(name.replaceFirst("\\.sock$", "") + ".fds");
    }

    private static Daemon start(UnixSockets sockets, Path socket, ServedPlugins plugins, DescriptorSocket descriptors)
            throws IOException {
        Set<Session> sessions = ConcurrentHashMap.newKeySet();
        Value.Fields facts = new Value.Fields(Map.of(
                "plugins",
                new Value.Seq(new TreeSet<>(plugins.names())
                        .stream().map(Value::ofText).toList()),
                "descriptors",
                Value.ofText(descriptors.path().toString())));
        Session.Settings settings =
                new Session.Settings(plugins.api(), "daemon", facts, admitsOwnUser(), plugins.handler(descriptors));
        UnixSockets.Listener listener = sockets.listen(socket, connection -> {
            Session session = new Session(connection, settings);
            sessions.add(session);
            var _ = session.closed().thenRun(() -> sessions.remove(session));
            return session;
        });
        return new Daemon(listener, descriptors, sessions);
    }

    private static Predicate<PeerCredentials> admitsOwnUser() throws IOException {
        int own = OwnUser.uid();
        return peer -> peer.uid() == own || peer.uid() == 0;
    }

    public Path socket() {
        return listener.path();
    }

    @Override
    public void close() {
        listener.close();
        descriptors.close();
        sessions.forEach(session -> session.close("SHUTTING_DOWN", "the daemon is shutting down"));
    }
}

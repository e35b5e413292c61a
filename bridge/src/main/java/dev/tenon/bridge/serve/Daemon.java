package dev.tenon.bridge.serve;

import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.session.CallHandler;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.transport.ListeningSocket;
import dev.tenon.bridge.transport.PeerCredentials;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Listens on the control socket and serves storage plugins to whoever may use it: its own user, and root. */
public final class Daemon implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Daemon.class);

    /** How long calls that are under way at the end may go on. */
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(5);

    /** How many may run at once, each but the last finishing what it has begun. */
    private static final int MOST_DAEMONS = 9;

    private static final String REASON = "the daemon is shutting down";

    private static final CommandRunner NO_COMMANDS = (asked, gone) -> {
        throw StorageException.refused(StorageError.NOT_SUPPORTED, "this program runs no commands for others");
    };

    private final UnixSockets.Listener listener;
    private final DescriptorSocket descriptors;
    private final ServedPlugins plugins;
    private final Set<Session> sessions;
    private final Succession succession;
    private final @Nullable Predecessor before;
    private final Supplier<Overview> overview;

    /**
     * What happens when another daemon takes over.
     *
     * @param manager the address at which the service manager is told the state of the daemon, for the successor; empty if
     *     there is none
     * @param whenTakenOver is given the successor's process before the successor is told that it has taken over
     * @param whenEnded runs when everything that was begun here is finished; the daemon has to be closed then
     * @param limit how long that may take
     */
    public record Following(String manager, LongConsumer whenTakenOver, Runnable whenEnded, Duration limit) {
        /** Nobody is told, and nothing is waited for. */
        static final Following NONE = new Following("", pid -> {}, () -> {}, Duration.ZERO);
    }

    private Daemon(
            UnixSockets.Listener listener,
            DescriptorSocket descriptors,
            ServedPlugins plugins,
            Set<Session> sessions,
            Succession succession,
            @Nullable Predecessor before,
            Supplier<Overview> overview) {
        this.listener = listener;
        this.descriptors = descriptors;
        this.plugins = plugins;
        this.sessions = sessions;
        this.succession = succession;
        this.before = before;
        this.overview = overview;
    }

    /**
     * Begins to listen.
     *
     * @param socket where the control socket appears, mode 0600, once it answers; that for descriptors is beside it
     * @throws IOException if it cannot be bound, or another daemon answers there
     */
    public static Daemon start(UnixSockets sockets, Path socket, ServedPlugins plugins) throws IOException {
        return start(sockets, ListeningSocket.make(socket), plugins, List::of);
    }

    /**
     * Begins to answer at a socket that listens already. No other daemon can take over.
     *
     * @param socket closed with the daemon; that for descriptors is beside it
     * @param hosted what the plugins in Perl are doing, for those who ask
     * @throws IOException if that for descriptors cannot be bound; the socket is closed then
     */
    public static Daemon start(
            UnixSockets sockets, ListeningSocket socket, ServedPlugins plugins, Supplier<List<Overview.Plugin>> hosted)
            throws IOException {
        return start(sockets, socket, plugins, hosted, NO_COMMANDS, Following.NONE, null);
    }

    /**
     * The same of a daemon that another one can take over from, and that may itself have taken over.
     *
     * @param socket closed with the daemon; that for descriptors is beside it
     * @param hosted what those of the plugins do that are in Perl, for those who ask
     * @param following what happens when another daemon takes over from this one
     * @param before the daemon that has handed the socket over, which is told that this one answers; null if none has
     * @throws IOException if that for descriptors cannot be bound, or the one before goes on itself; the socket is closed then
     */
    public static Daemon start(
            UnixSockets sockets,
            ListeningSocket socket,
            ServedPlugins plugins,
            Supplier<List<Overview.Plugin>> hosted,
            Following following,
            @Nullable Predecessor before)
            throws IOException {
        return start(sockets, socket, plugins, hosted, NO_COMMANDS, following, before);
    }

    /**
     * The same of a daemon that runs commands, too.
     *
     * @param socket closed with the daemon; that for descriptors is beside it
     * @param hosted what the plugins in Perl are doing, for those who ask
     * @param commands runs commands for those who ask
     * @param following what happens when another daemon takes over from this one
     * @param before the daemon that has handed the socket over, which is told that this one answers; null if none has
     * @throws IOException if that for descriptors cannot be bound, or the one before goes on itself; the socket is closed
     *     then
     */
    public static Daemon start(
            UnixSockets sockets,
            ListeningSocket socket,
            ServedPlugins plugins,
            Supplier<List<Overview.Plugin>> hosted,
            CommandRunner commands,
            Following following,
            @Nullable Predecessor before)
            throws IOException {
        DescriptorSocket descriptors;
        try {
            descriptors = besides(socket.path());
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
        Daemon daemon;
        try {
            daemon = start(sockets, socket, plugins, hosted, commands, descriptors, following, before);
        } catch (IOException | RuntimeException e) {
            descriptors.close();
            throw e;
        }
        if (before != null) {
            daemon.takeOver(before);
        }
        return daemon;
    }

    private void takeOver(Predecessor from) throws IOException {
        try {
            listener.own(from.takenOver());
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            close();
            throw new IOException("interrupted while the daemon was taken over", e);
        }
    }

    /**
     * {@code control.fds} for {@code control.sock}: other sockets of the directory have others. A descriptor is for the
     * daemon of the connection that names it, so while one daemon takes over from others each has its own; the second is
     * {@code control.fds2}.
     */
    private static DescriptorSocket besides(Path socket) throws IOException {
        String name = String.valueOf(socket.getFileName()).replaceFirst("\\.sock$", "") + ".fds";
        for (int number = 2; UnixSockets.isAnswered(socket.resolveSibling(name)) && number <= MOST_DAEMONS; number++) {
            name = name.replaceFirst("[2-9]?$", Integer.toString(number));
        }
        return DescriptorSocket.listen(socket.resolveSibling(name), admitsOwnUser());
    }

    private static Daemon start(
            UnixSockets sockets,
            ListeningSocket socket,
            ServedPlugins plugins,
            Supplier<List<Overview.Plugin>> hosted,
            CommandRunner commands,
            DescriptorSocket descriptors,
            Following following,
            @Nullable Predecessor before)
            throws IOException {
        long began = System.nanoTime();
        Set<Session> sessions = ConcurrentHashMap.newKeySet();
        Drain drain = new Drain(sessions, plugins, before, following);
        Supplier<Overview> overview = () -> new Overview(
                ProcessHandle.current().pid(),
                Duration.ofNanos(System.nanoTime() - began),
                hosted.get(),
                plugins.crowds(),
                drain.elapsed(),
                before == null ? List.of() : before.overview().stream().toList());
        // A call may come before the listener is known here.
        CompletableFuture<Succession> succession = new CompletableFuture<>();
        Value.Fields facts = new Value.Fields(Map.of(
                "plugins",
                new Value.Seq(new TreeSet<>(plugins.names())
                        .stream().map(Value::ofText).toList()),
                "descriptors",
                Value.ofText(descriptors.path().toString())));
        Commands own = new Commands(commands, OwnUser.uid());
        CallHandler handler = plugins.handler(
                descriptors,
                call -> switch (call.method()) {
                    case DaemonClient.OVERVIEW -> OverviewCodec.OVERVIEW.write(overview.get());
                    case Commands.COMMAND -> own.call(call);
                    case Succession.HAND_OVER, Succession.TAKEN_OVER, Succession.STOP ->
                        succession.join().call(call);
                    default -> null;
                },
                before);
        Session.Settings settings = new Session.Settings(plugins.api(), "daemon", facts, admitsOwnUser(), handler);
        UnixSockets.Listener listener = sockets.listen(socket, connection -> {
            Session session = new Session(connection, settings);
            sessions.add(session);
            var _ = session.closed().thenRun(() -> sessions.remove(session));
            return session;
        });
        succession.complete(new Succession(listener, descriptors, following, drain));
        return new Daemon(listener, descriptors, plugins, sessions, succession.join(), before, overview);
    }

    private static Predicate<PeerCredentials> admitsOwnUser() throws IOException {
        int own = OwnUser.uid();
        return peer -> peer.uid() == own || peer.uid() == 0;
    }

    public Path socket() {
        return listener.path();
    }

    /** What it is doing now. Asks those that came before, too, which may take some seconds. */
    public Overview overview() {
        return overview.get();
    }

    /** Whether another daemon answers in its place. */
    public boolean isTakenOver() {
        return succession.isTaken();
    }

    /**
     * Nobody else may connect here. A connection ends when it has no call under way; calls that take longer than 5 seconds
     * lose theirs. Daemons that came before and have not ended do so, too.
     */
    @Override
    public void close() {
        succession.end();
        listener.close();
        List<Session> open = List.copyOf(sessions);
        open.forEach(session -> session.retire("SHUTTING_DOWN", REASON));
        try {
            CompletableFuture.allOf(open.stream().map(Session::closed).toArray(CompletableFuture[]::new))
                    .get(DRAIN_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            LOG.warn("event=calls-abandoned connections={} after={}", sessions.size(), DRAIN_LIMIT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        descriptors.close();
        sessions.forEach(session -> session.close("SHUTTING_DOWN", REASON));
        plugins.close();
        if (before != null) {
            before.close();
        }
    }
}

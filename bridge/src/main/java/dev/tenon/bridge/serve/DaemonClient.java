package dev.tenon.bridge.serve;

import dev.tenon.bridge.session.RemoteCallException;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.session.SessionClosedException;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Asks a daemon about itself. */
public final class DaemonClient {
    /** A call to the daemon itself and not to one of its plugins; it has no parameters. */
    static final String OVERVIEW = "overview";

    private static final Duration LIMIT = Duration.ofSeconds(10);

    /** For what writes files, asks plugins, or waits until something has ended. */
    private static final Duration LONG_LIMIT = Duration.ofMinutes(2);

    /** What a daemon says that takes the call for one to a plugin. */
    private static final Set<ErrorCode> UNKNOWN = Set.of(ErrorCode.UNKNOWN_METHOD, ErrorCode.UNKNOWN_PLUGIN);

    private DaemonClient() {}

    /**
     * What a daemon does now.
     *
     * @throws IOException if nobody answers at its socket, or in another way; the message says what to do
     * @throws InterruptedException if this thread is interrupted
     */
    public static Overview overview(Path socket) throws IOException, InterruptedException {
        return OverviewCodec.OVERVIEW.read(call(socket, OVERVIEW, Map.of(), LIMIT));
    }

    /**
     * Asks a daemon what it answers beyond that.
     *
     * @param request its name
     * @return the answer, a document
     * @throws IOException if nobody answers at its socket, or it refuses; the message says why
     * @throws InterruptedException if this thread is interrupted
     */
    public static String ask(Path socket, String request, Map<String, String> words)
            throws IOException, InterruptedException {
        Value answer = call(socket, request, words, LONG_LIMIT);
        if (answer instanceof Value.Text(String text)) {
            return text;
        }
        throw new IOException("the daemon at '" + socket + "' answers '" + request + "' with no text");
    }

    private static Value call(Path socket, String name, Map<String, String> words, Duration limit)
            throws IOException, InterruptedException {
        Map<String, Value> params = new TreeMap<>();
        words.forEach((word, text) -> params.put(word, Value.ofText(text)));
        try (UnixSockets sockets = new UnixSockets()) {
            Session session = connect(sockets, socket);
            session.greet();
            session.opened().get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            Value answer = session.call(name, new Value.Fields(params), limit);
            session.close("DONE", "");
            return answer;
        } catch (RemoteCallException e) {
            boolean isUnknown = UNKNOWN.contains(e.error().errorCode());
            throw new IOException(
                    isUnknown
                            ? "the daemon at '" + socket + "' does not know '" + name
                                    + "', most likely since it is of an older release: "
                                    + e.error().message() + "; restart it"
                            : e.error().message(),
                    e);
        } catch (ExecutionException | SessionClosedException | TimeoutException | StorageException e) {
            String reason = e instanceof ExecutionException && e.getCause() != null
                    ? e.getCause().getMessage()
                    : e.getMessage();
            throw new IOException(
                    "the daemon at '" + socket + "' does not tell what it does"
                            + (reason == null ? " within " + limit.toSeconds() + " s" : ": " + reason),
                    e);
        }
    }

    /** Whether a daemon says hello at its socket within a time. */
    static boolean isAnswered(Path socket, Duration limit) {
        try (UnixSockets sockets = new UnixSockets()) {
            Session session = connect(sockets, socket);
            session.greet();
            session.opened().get(limit.toMillis(), TimeUnit.MILLISECONDS);
            session.close("DONE", "");
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (IOException | ExecutionException | TimeoutException e) {
            return false;
        }
    }

    static Session connect(UnixSockets sockets, Path socket) throws IOException {
        CompletableFuture<Session> made = new CompletableFuture<>();
        try {
            sockets.connect(socket, connection -> {
                Session session = new Session(
                        connection,
                        new Session.Settings(StorageApi.API, "client", Value.fields(), peer -> true, call -> {
                            throw new ProtocolException(
                                    ErrorCode.UNKNOWN_METHOD, call.method() + ": this program answers no calls");
                        }));
                made.complete(session);
                return session;
            });
        } catch (IOException e) {
            throw new IOException(
                    "nobody answers at the socket '" + socket + "': " + e.getMessage()
                            + "; start the daemon (tenon serve), or name its socket (--socket)",
                    e);
        }
        return made.join();
    }
}

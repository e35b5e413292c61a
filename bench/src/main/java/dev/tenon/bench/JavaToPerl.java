package dev.tenon.bench;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.perl.SidecarSettings;
import dev.tenon.bridge.session.RemoteCallException;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.session.SessionClosedException;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.host.Home;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Text;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Java calls a Perl plugin in its sidecar, and echoes in Perl. */
final class JavaToPerl {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final String METHOD = "volume_size_info";

    private JavaToPerl() {}

    @FunctionalInterface
    private interface Call {
        void make() throws RemoteCallException, SessionClosedException, TimeoutException, InterruptedException;
    }

    static List<Comparison> run(Scratch scratch, Plan plan)
            throws IOException, InterruptedException, ExecutionException, TimeoutException, RemoteCallException,
                    SessionClosedException {
        Storage storage = Storage.of(
                "bench", "dir", Map.of("path", scratch.storage().toString(), "content", Map.of("images", "1")));
        VolumeName volume = new VolumeName(Scratch.QCOW2);
        Fields params = new Fields(Map.of(
                "storeid",
                new Text("bench"),
                "scfg",
                new Fields(Map.of(
                        "type",
                        new Text("dir"),
                        "path",
                        new Text(scratch.storage().toString()),
                        "content",
                        new Fields(Map.of("images", new Text("1"))))),
                "volname",
                new Text(volume.value()),
                "timeout",
                new Int(TIMEOUT.toSeconds())));
        SidecarSettings settings =
                SidecarSettings.of(PerlProgram.file("ConstantPlugin.pm"), Home.perlShim(), null, scratch.file(""));
        try (UnixSockets sockets = new UnixSockets();
                PerlStoragePlugin plugin = PerlStoragePlugin.start(sockets, settings);
                EchoPeer echo = EchoPeer.start(sockets, scratch.file("peer.sock"));
                EchoPeer bare = EchoPeer.start(sockets, scratch.file("bare.sock"), "--bare")) {
            SizeInfo answer = plugin.volumeSizeInfo(storage, volume, TIMEOUT);
            for (EchoPeer peer : List.of(echo, bare)) {
                Value repeated = peer.session().call(METHOD, params, LIMIT);
                if (!StorageApi.answer("volumeSizeInfo", answer).equals(repeated)) {
                    throw new IOException("the peers answer differently: " + answer + " and " + repeated);
                }
            }
            Call tenon = () -> {
                var _ = plugin.volumeSizeInfo(storage, volume, TIMEOUT);
            };
            return List.of(
                    compare(
                            "volume_size_info, constants",
                            tenon,
                            () -> echo.session().call(METHOD, params, LIMIT),
                            plan),
                    compare(
                            "the same, beside a bare echo",
                            tenon,
                            () -> bare.session().call(METHOD, params, LIMIT),
                            plan));
        }
    }

    private static Comparison compare(String what, Call tenon, Call echo, Plan plan)
            throws RemoteCallException, SessionClosedException, TimeoutException, InterruptedException {
        for (int done = 0; done < plan.warmup(); done += plan.block()) {
            var _ = block(tenon, plan.block());
            var _ = block(echo, plan.block());
        }
        Comparison result = new Comparison(what, new Series(), new Series());
        for (int round = 0; round < plan.blocks(); round++) {
            if (round % 2 == 0) {
                result.tenon().add(block(tenon, plan.block()));
                result.echo().add(block(echo, plan.block()));
            } else {
                result.echo().add(block(echo, plan.block()));
                result.tenon().add(block(tenon, plan.block()));
            }
        }
        return result;
    }

    private static long[] block(Call call, int calls)
            throws RemoteCallException, SessionClosedException, TimeoutException, InterruptedException {
        long[] nanos = new long[calls];
        for (int i = 0; i < calls; i++) {
            long began = System.nanoTime();
            call.make();
            nanos[i] = System.nanoTime() - began;
        }
        return nanos;
    }

    /** A Perl process that answers every call with the same result, and the session with it. */
    private record EchoPeer(Process process, Session session) implements AutoCloseable {

        static EchoPeer start(UnixSockets sockets, Path socket, String... options)
                throws IOException, InterruptedException, ExecutionException, TimeoutException {
            CompletableFuture<Session> connected = new CompletableFuture<>();
            try (UnixSockets.Listener listener = sockets.listen(socket, connection -> {
                Session session = new Session(
                        connection,
                        new Session.Settings(
                                StorageApi.API, "host", Value.fields(), peer -> true, call -> Value.Nil.NIL));
                var _ = session.opened().thenRun(() -> connected.complete(session));
                return session;
            })) {
                String[] arguments = new String[1 + options.length];
                arguments[0] = listener.path().toString();
                System.arraycopy(options, 0, arguments, 1, options.length);
                Process process = PerlProgram.start("echo-peer.pl", arguments);
                return new EchoPeer(process, connected.get(LIMIT.toSeconds(), TimeUnit.SECONDS));
            }
        }

        @Override
        public void close() {
            session.close("DONE", "");
            process.destroy();
        }
    }
}

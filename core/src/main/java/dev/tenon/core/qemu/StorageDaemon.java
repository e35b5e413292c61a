package dev.tenon.core.qemu;

import dev.tenon.core.command.Companion;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A qemu-storage-daemon of our own, which ends with this process. */
public final class StorageDaemon implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(20);
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(60);

    private final Companion program;
    private final Qmp qmp;

    private StorageDaemon(Companion program, Qmp qmp) {
        this.program = program;
        this.qmp = qmp;
    }

    /**
     * Starts one.
     *
     * @param directory of the caller's own, for its socket and its log; the caller removes it
     * @param options further ones of qemu-storage-daemon
     * @throws StorageException {@code COMMAND_FAILED} with its last words if it does not start
     */
    public static StorageDaemon start(Path directory, List<String> options) {
        Path socket = directory.resolve("qmp.sock");
        List<String> command = new ArrayList<>(List.of("qemu-storage-daemon"));
        command.addAll(options);
        // Behind the others, so that it connects only if all of them are good.
        command.addAll(
                List.of("--chardev", "socket,id=qmp,server=off,path=" + escaped(socket), "--monitor", "chardev=qmp"));
        // It connects to us: a connection that it accepts while it starts may be read by two of its threads.
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(socket), 1).configureBlocking(false);
            Companion program = Companion.start(command, directory.resolve("qemu-storage-daemon.log"));
            try {
                AtomicReference<@Nullable Qmp> qmp = new AtomicReference<>();
                program.awaitReady(
                        () -> {
                            qmp.set(accepted(listener));
                            return qmp.get() != null;
                        },
                        START_LIMIT);
                return new StorageDaemon(program, Objects.requireNonNull(qmp.get()));
            } catch (RuntimeException e) {
                program.close();
                throw e;
            }
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.COMMAND_FAILED,
                    Outcome.NOT_STARTED,
                    "unable to listen at " + Quoted.of(socket.toString()) + ": " + e.getMessage(),
                    e);
        }
    }

    /** Null if it has not connected yet, or ends; its last words say more then. */
    private static @Nullable Qmp accepted(ServerSocketChannel listener) {
        try {
            return Qmp.accept(listener, ANSWER_LIMIT);
        } catch (QmpException e) {
            return null;
        }
    }

    /** A path as a value in an option, where a comma begins the next one. */
    public static String escaped(Path path) {
        return path.toString().replace(",", ",,");
    }

    public Qmp qmp() {
        return qmp;
    }

    /** Ends it; what it has open is written and closed by itself. */
    @Override
    public void close() {
        qmp.close();
        program.close();
    }
}

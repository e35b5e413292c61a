package dev.tenon.host;

import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.command.Command;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The storage types that another program serves.
 *
 * @param socket its control socket, null if nobody is asked
 */
record ServedTypes(@Nullable Path socket) {
    private static final Logger LOG = LoggerFactory.getLogger(ServedTypes.class);
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Their names; empty if no daemon answers. */
    List<String> names() {
        if (socket == null || !UnixSockets.isAnswered(socket)) {
            return List.of();
        }
        List<String> command = List.of(
                "perl",
                "-I" + Home.perlShim().resolve("lib"),
                "-MTenon::Remote",
                "-e",
                "print map { qq($_\\n) } Tenon::Remote->served(shift)",
                "--",
                socket.toString());
        try {
            return new Command(command, "unable to ask the daemon at '" + socket + "' what it serves", PATIENCE)
                    .run()
                    .lines()
                    .toList();
        } catch (StorageException e) {
            LOG.warn("event=daemon-not-asked reason=\"{}\"", e.getMessage());
            return List.of();
        }
    }

    /** Writes the class that calls a type there. */
    Path writeClass(String type, Path directory) throws IOException {
        String name = "Served" + Integer.toUnsignedString(type.hashCode());
        return Files.writeString(
                directory.resolve(name + ".pm"), """
                package PVE::Storage::Custom::%s;

                use parent 'PVE::Storage::Plugin';

                use Tenon::Remote;

                Tenon::Remote->install(__PACKAGE__, '%s', '%s');

                1;
                """.formatted(name, quoted(type), quoted(String.valueOf(socket))));
    }

    private static String quoted(String text) {
        return text.replace("\\", "\\\\").replace("'", "\\'");
    }
}

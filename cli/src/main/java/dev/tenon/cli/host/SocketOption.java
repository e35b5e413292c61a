package dev.tenon.cli.host;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** For commands that name one daemon. */
public final class SocketOption {
    /** Where the daemon listens unless it is told otherwise. */
    public static final String DEFAULT = "/run/tenon/control.sock";

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            defaultValue = DEFAULT,
            description = "the daemon's control socket (default: ${DEFAULT-VALUE})")
    private Path path = Path.of(DEFAULT);

    public Path path() {
        return path;
    }
}

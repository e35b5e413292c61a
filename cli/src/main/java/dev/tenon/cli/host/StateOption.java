package dev.tenon.cli.host;

import dev.tenon.host.Adopted;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** For commands that adopt a plugin or release it. */
public final class StateOption {
    @Option(
            names = "--state",
            paramLabel = "DIR",
            defaultValue = Adopted.DEFAULT,
            description = "where adopted plugins are kept (default: ${DEFAULT-VALUE})")
    private Path directory = Path.of(Adopted.DEFAULT);

    public Path directory() {
        return directory;
    }
}

package dev.tenon.cli.host;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** For commands that ask several storages. */
public final class LimitOption {
    @Option(
            names = "--limit",
            paramLabel = "SECONDS",
            description = "how long a storage may take to answer (default: 10 for its status, 60 for its volumes)")
    private @Nullable Integer seconds;

    /** What is wrong with it, in one sentence. */
    public Optional<String> wrong() {
        return seconds == null || seconds > 0
                ? Optional.empty()
                : Optional.of("--limit " + seconds + " is no number of seconds, 1 or more");
    }

    /** The limit, this one if none is given. */
    public Duration of(Duration usual) {
        return seconds == null ? usual : Duration.ofSeconds(seconds);
    }
}

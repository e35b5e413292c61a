package dev.tenon.cli.host;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the journal is; the same for every command that needs it. */
public final class JournalOption {
    @Option(
            names = "--journal",
            paramLabel = "DIR",
            description = "where this node's journal of changes to storages is (default: /var/lib/tenon/journal, for an"
                    + " ordinary user ~/.local/state/tenon/journal)")
    private @Nullable Path directory;

    /** Null for the usual one. */
    public @Nullable Path directory() {
        return directory;
    }
}

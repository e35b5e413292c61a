package dev.tenon.cli.host;

import dev.tenon.core.journal.Journal;
import java.io.IOException;
import java.nio.file.Files;
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

    public Journal journal() throws IOException {
        return new Journal(directory == null ? usual() : directory);
    }

    private static Path usual() throws IOException {
        boolean isRoot = Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        return isRoot
                ? Path.of("/var/lib/tenon/journal")
                : Path.of(System.getProperty("user.home"), ".local/state/tenon/journal");
    }
}

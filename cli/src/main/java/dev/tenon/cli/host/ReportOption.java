package dev.tenon.cli.host;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** For commands that judge something and can write down why. */
public final class ReportOption {
    @Option(
            names = "--report",
            paramLabel = "DIR",
            description = "write report.html, report.json and report.xml (JUnit) into this directory")
    private @Nullable Path directory;

    public Optional<Path> directory() {
        return Optional.ofNullable(directory);
    }
}

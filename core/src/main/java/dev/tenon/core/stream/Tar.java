package dev.tenon.core.stream;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Packs and unpacks the files of a container, with tar and the options that PVE gives it. */
final class Tar {
    /** What tar says first of a file system that is full. */
    private static final String CUT_WRITE = ": Wrote only ";

    private static final Path NOTHING = Path.of("/dev/null");
    private static final Duration DEADLINE = Duration.ofDays(1);
    private static final List<String> OPTIONS = List.of(
            "--one-file-system",
            "-p",
            "--sparse",
            "--numeric-owner",
            "--acls",
            "--xattrs",
            "--xattrs-include=user.*",
            "--xattrs-include=security.capability",
            "--warning=no-file-ignored",
            "--warning=no-xattr-write");

    private Tar() {}

    static void pack(Path directory, int output) {
        command("-cf", "-", "-C", directory.toString(), ".").run(NOTHING, descriptor(output));
    }

    static void unpack(Path directory, int input) {
        try {
            command("-C", directory.toString(), "-xf", "-").run(descriptor(input), NOTHING);
        } catch (StorageException e) {
            if (e.getMessage().contains(CUT_WRITE)) {
                throw new StorageException(
                        StorageError.NO_SPACE, e.outcome(), e.getMessage() + ": the file system is full", e);
            }
            throw e;
        }
    }

    private static Command command(String... more) {
        List<String> arguments = new ArrayList<>(List.of("tar"));
        arguments.addAll(OPTIONS);
        arguments.addAll(List.of(more));
        return new Command(arguments, "tar failed", DEADLINE);
    }

    private static Path descriptor(int number) {
        return Path.of("/proc/self/fd/" + number);
    }
}

package dev.tenon.core.spi.backup;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/** Maps the host's user and group ids to those of a container. */
public record ContainerIds(List<Range> users, List<Range> groups) {
    private static final long ALL = 1L << 32;

    /** The host's own. */
    public static final ContainerIds SAME =
            new ContainerIds(List.of(new Range(0, 0, ALL)), List.of(new Range(0, 0, ALL)));

    /**
     * A range of ids.
     *
     * @param inside the first one, as the container counts
     * @param outside the same, as the host counts
     * @param count how many
     */
    public record Range(long inside, long outside, long count) {}

    public ContainerIds {
        users = List.copyOf(users);
        groups = List.copyOf(groups);
    }

    /**
     * Those of a process.
     *
     * @throws StorageException {@code NOT_FOUND} if it has gone
     */
    public static ContainerIds of(long process) {
        try {
            return new ContainerIds(read(process, "uid_map"), read(process, "gid_map"));
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.NOT_FOUND,
                    Outcome.FAILED_CLEAN,
                    "the process " + process + " that holds the container's files has gone: " + e.getMessage(),
                    e);
        }
    }

    private static List<Range> read(long process, String file) throws IOException {
        return Files.readAllLines(Path.of("/proc", Long.toString(process), file)).stream()
                .map(line -> line.trim().split("\\s+"))
                .map(words -> new Range(Long.parseLong(words[0]), Long.parseLong(words[1]), Long.parseLong(words[2])))
                .toList();
    }

    /** The container's id of a user of the host, empty if it has none. */
    public OptionalLong user(long outside) {
        return inside(users, outside);
    }

    /** The container's id of a group of the host, empty if it has none. */
    public OptionalLong group(long outside) {
        return inside(groups, outside);
    }

    private static OptionalLong inside(List<Range> ranges, long outside) {
        return ranges.stream()
                .filter(range -> outside >= range.outside() && outside - range.outside() < range.count())
                .mapToLong(range -> range.inside() + outside - range.outside())
                .findFirst();
    }
}

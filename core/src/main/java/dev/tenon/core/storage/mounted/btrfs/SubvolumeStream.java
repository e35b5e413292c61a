package dev.tenon.core.storage.mounted.btrfs;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import org.jspecify.annotations.Nullable;

/**
 * The stream format {@code btrfs}: one or more snapshots of a volume, as {@code btrfs send -e} writes them, and as PVE's
 * own plugin sends and receives them. It has no header with a size.
 */
final class SubvolumeStream {
    static final String FORMAT = "btrfs";

    private static final Path NOTHING = Path.of("/dev/null");
    private static final Duration DEADLINE = Duration.ofDays(1);

    private SubvolumeStream() {}

    private static Command btrfs(List<String> words) {
        List<String> arguments = new ArrayList<>(List.of("btrfs", "-q"));
        arguments.addAll(words);
        return new Command(arguments, "btrfs " + words.getFirst() + " failed", DEADLINE);
    }

    private static Path descriptor(int number) {
        return Path.of("/proc/self/fd/" + number);
    }

    /**
     * Sends snapshots, which lie beside each other.
     *
     * @param base what the receiver has already, null if it has nothing
     */
    static void send(@Nullable Path base, Collection<Path> snapshots, ExportStream stream) {
        List<String> words = new ArrayList<>(List.of("send", "-e"));
        if (base != null) {
            words.addAll(List.of("-p", base.toString()));
        }
        words.add("--");
        snapshots.forEach(snapshot -> words.add(snapshot.toString()));
        stream.handOver(number -> btrfs(words).run(NOTHING, descriptor(number)));
    }

    /**
     * Receives snapshots into a directory, which they cannot leave whatever the stream says.
     *
     * @throws StorageException {@code STREAM_BROKEN} and others, {@code FAILED_CLEAN}: the caller removes what is in the
     *     directory
     */
    static void receive(Path directory, ImportStream stream) {
        List<String> words = List.of("receive", "-e", "-C", "--", directory.toString());
        try {
            stream.handOver(FORMAT, number -> {
                btrfs(words).run(descriptor(number), NOTHING);
                return true;
            });
        } catch (StorageException e) {
            // An error about a stream that it cannot read is the stream's fault.
            StorageError error = e.error() == StorageError.COMMAND_FAILED ? StorageError.STREAM_BROKEN : e.error();
            throw new StorageException(error, Outcome.FAILED_CLEAN, e.getMessage(), e);
        }
    }

    /**
     * The snapshots of one volume that were received, by their names.
     *
     * @param wanted which must be one of them
     * @throws StorageException {@code STREAM_BROKEN}, {@code FAILED_CLEAN}
     */
    static Map<String, Path> received(Path directory, SnapshotName wanted) {
        Map<String, Path> snapshots = new TreeMap<>();
        Set<String> volumes = new LinkedHashSet<>();
        for (Path entry : Snapshots.entries(directory)) {
            Optional<Matcher> snapshot = Snapshots.snapshot(entry);
            if (snapshot.isEmpty()) {
                throw broken("it holds '" + entry.getFileName() + "', which is no snapshot of an image");
            }
            volumes.add(snapshot.get().group(1));
            snapshots.put(snapshot.get().group(2), entry);
        }
        if (volumes.size() > 1) {
            throw broken("it holds snapshots of several images: " + String.join(", ", volumes));
        }
        if (!snapshots.containsKey(wanted.value())) {
            throw broken("it does not hold snapshot '" + wanted + "'"
                    + (snapshots.isEmpty() ? "" : ", but " + String.join(", ", snapshots.keySet())));
        }
        return snapshots;
    }

    private static StorageException broken(String why) {
        return new StorageException(
                StorageError.STREAM_BROKEN, Outcome.FAILED_CLEAN, "the stream cannot be imported: " + why);
    }
}

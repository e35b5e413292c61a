package dev.tenon.core.storage.mounted.btrfs;

import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.storage.common.VolumeNames;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What lies in the directories of guests: subvolumes, and their snapshots beside them. */
final class Snapshots {
    /** Between the name of a subvolume and that of its snapshot. */
    static final String MARK = "@";

    private static final Logger LOG = LoggerFactory.getLogger(Snapshots.class);
    /** Of a raw image, which has no extension, or of a container. */
    private static final Pattern SUBVOLUME = Pattern.compile("(?:vm|base|subvol)-\\d+-[^/@.\\s]+(?:\\.subvol)?");

    private static final Pattern SNAPSHOT = Pattern.compile("(" + SUBVOLUME + ")@([^@/\\s]+)");

    private Snapshots() {}

    static List<Path> entries(Path directory) {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.sorted().toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    static List<Path> guestDirectories(Path images) {
        return entries(images).stream()
                .filter(directory -> VolumeNames.isGuestDirectory(String.valueOf(directory.getFileName())))
                .filter(directory -> Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS))
                .toList();
    }

    static List<String> subvolumesIn(Path directory) {
        return entries(directory).stream()
                .filter(Subvolumes::isOne)
                .map(entry -> String.valueOf(entry.getFileName()))
                .filter(name -> SUBVOLUME.matcher(name).matches())
                .toList();
    }

    /** The snapshots of a subvolume by name. */
    static Map<String, Path> of(Path subvolume) {
        Map<String, Path> snapshots = new TreeMap<>();
        for (Path entry : entries(subvolume.resolveSibling(".").normalize())) {
            snapshot(entry)
                    .filter(name -> name.group(1).equals(String.valueOf(subvolume.getFileName())))
                    .ifPresent(name -> snapshots.put(name.group(2), entry));
        }
        return snapshots;
    }

    /** Matches the name of a snapshot: the first group is its subvolume, the second the snapshot. */
    static Optional<Matcher> snapshot(Path entry) {
        Matcher name = SNAPSHOT.matcher(String.valueOf(entry.getFileName()));
        return name.matches() && Subvolumes.isOne(entry) ? Optional.of(name) : Optional.empty();
    }

    static Map<String, SnapshotInfo> infos(Path subvolume) {
        Map<String, SnapshotInfo> infos = new TreeMap<>();
        of(subvolume)
                .forEach((name, directory) ->
                        infos.put(name, new SnapshotInfo(name, seconds(directory), null, Map.of())));
        return infos;
    }

    /** When a snapshot was taken, null if that cannot be told. */
    private static @Nullable Long seconds(Path snapshot) {
        try {
            Object created = Files.getAttribute(snapshot, "unix:ctime", LinkOption.NOFOLLOW_LINKS);
            return created instanceof java.nio.file.attribute.FileTime time ? time.toMillis() / 1000 : null;
        } catch (IOException e) {
            return null;
        }
    }

    static void removeIfEmpty(Path guestDirectory) {
        try {
            Files.deleteIfExists(guestDirectory);
        } catch (DirectoryNotEmptyException e) {
            // other images of the guest
        } catch (IOException e) {
            LOG.debug("directory '{}' stays: {}", guestDirectory, e.toString());
        }
    }
}

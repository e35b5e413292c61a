package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.GuestType;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.regex.Pattern;

/**
 * Which snapshot: of which guest, and when.
 *
 * @param namespace keeps the guests of one storage apart from those of another: letters, digits, {@code .}, {@code _} and
 *     {@code -}, not a dot first
 * @param time to the second
 */
public record SnapshotId(String namespace, GuestType type, Vmid guest, Instant time) implements Comparable<SnapshotId> {
    static final String EXTENSION = ".snapshot";
    private static final Pattern NAMESPACE = Pattern.compile("[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,63}");

    public SnapshotId {
        checkNamespace(namespace);
        time = time.truncatedTo(ChronoUnit.SECONDS);
    }

    static void checkNamespace(String namespace) {
        if (!NAMESPACE.matcher(namespace).matches()) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "the namespace " + Quoted.of(namespace)
                            + " is not made of 1 to 64 letters, digits and the characters . _ - with no dot first");
        }
    }

    /** Where its record is, below the directory of snapshots. */
    Path path() {
        return Path.of(namespace, type.word(), guest.toString(), time + EXTENSION);
    }

    /** What {@link #path} made. */
    static SnapshotId of(Path path) throws BadRepositoryException {
        try {
            String name = path.getFileName().toString();
            return new SnapshotId(
                    path.getName(0).toString(),
                    GuestType.ofWord(path.getName(1).toString()).orElseThrow(),
                    new Vmid(Long.parseLong(path.getName(2).toString())),
                    Instant.parse(name.substring(0, name.length() - EXTENSION.length())));
        } catch (RuntimeException e) {
            throw new BadRepositoryException("'" + path + "' among the snapshots is named as none is; move it away");
        }
    }

    @Override
    public int compareTo(SnapshotId other) {
        return path().toString().compareTo(other.path().toString());
    }

    /** For instance {@code default/qemu/100/2026-01-02T03:04:05Z}. */
    @Override
    public String toString() {
        return namespace + "/" + type.word() + "/" + guest + "/" + time;
    }
}

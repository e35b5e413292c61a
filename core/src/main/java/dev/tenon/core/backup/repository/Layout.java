package dev.tenon.core.backup.repository;

import dev.tenon.core.linux.DirectorySync;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Where things are in a repository, and how they come there: written beside, synced, renamed, and the directory synced.
 *
 * @param root the repository's directory
 * @param parityPercent how much parity each pack gets; 0 for none
 */
record Layout(Path root, int parityPercent) {
    static final String PACK = ".pack";
    private static final String NEW = ".new";

    Layout(Path root) {
        this(root, 0);
    }

    Path header() {
        return root.resolve("repository.json");
    }

    Path packs() {
        return root.resolve("packs");
    }

    Path pack(String name) {
        return packs().resolve(name.substring(0, 2)).resolve(name + PACK);
    }

    /** By which a pack is repaired. */
    Path parity(String name) {
        return pack(name).resolveSibling(name + ".parity");
    }

    Path indexes() {
        return root.resolve("indexes");
    }

    Path snapshots() {
        return root.resolve("snapshots");
    }

    Path keys() {
        return root.resolve("keys");
    }

    Path leases() {
        return root.resolve("leases");
    }

    Path condemned() {
        return root.resolve("condemned");
    }

    /** What verifying found; not there as long as it found nothing. */
    Path damaged() {
        return root.resolve("damaged");
    }

    /**
     * Refuses to go on if the repository has been removed or unmounted, which looks as if nothing were in it.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE}
     */
    void requirePresent() {
        if (!isPresent()) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "the repository in '" + root + "' has gone; was it unmounted or removed?");
        }
    }

    boolean isPresent() {
        return Files.exists(header());
    }

    /** Whether there is nothing but what a repository has that was begun and not finished. */
    boolean isUnused() throws IOException {
        for (Path entry : entries(root)) {
            boolean isOwn = entry.equals(keys())
                    || (directories().contains(entry)
                            && Files.isDirectory(entry)
                            && entries(entry).isEmpty())
                    || entry.equals(header().resolveSibling(header().getFileName() + NEW));
            if (!isOwn) {
                return false;
            }
        }
        for (Path key : entries(keys())) {
            if (!key.toString().matches(".*\\.key(\\.new)?")) {
                return false;
            }
        }
        return true;
    }

    List<Path> directories() {
        return List.of(packs(), indexes(), snapshots(), leases(), condemned());
    }

    /** The sealed packs that are there, by name; new ones may come meanwhile. */
    List<String> packNames() throws IOException {
        List<String> names = new ArrayList<>();
        for (Path directory : entries(packs())) {
            for (Path file : entries(directory)) {
                String name = file.getFileName().toString();
                if (name.endsWith(PACK)) {
                    names.add(name.substring(0, name.length() - PACK.length()));
                }
            }
        }
        return names;
    }

    /** What is in a directory, sorted; nothing if the directory is missing. */
    static List<Path> entries(Path directory) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            entries.forEach(found::add);
        } catch (NoSuchFileException e) {
            return List.of();
        }
        Collections.sort(found);
        return found;
    }

    /** Writes a file that is whole when it appears, and survives a power failure from then on. */
    static void publish(Path file, byte[] content) throws IOException {
        Path written = file.resolveSibling(file.getFileName() + NEW);
        write(written, content);
        move(written, file);
    }

    /** Writes and syncs a file. */
    static void write(Path file, byte[] content) throws IOException {
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            Pack.writeFully(channel, ByteBuffer.wrap(content));
            channel.force(true);
        }
    }

    /** Renames a synced file, and syncs the directory that it comes into. */
    static void move(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        DirectorySync.of(parent(to));
    }

    /** Makes a directory and those above it, and syncs those that got a new name in them. */
    static void makeDirectory(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return;
        }
        makeDirectory(parent(directory));
        try {
            Files.createDirectory(directory);
        } catch (FileAlreadyExistsException e) {
            // somebody else made it
        }
        DirectorySync.of(parent(directory));
    }

    static Path parent(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        return parent == null ? file : parent;
    }
}

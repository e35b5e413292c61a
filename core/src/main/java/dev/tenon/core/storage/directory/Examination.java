package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.common.VolumeNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Looks in a storage that is a directory for what interrupted work leaves: it knows where to look, and the examiners know
 * what is wrong.
 *
 * @param at the storage
 * @param creation how its images are made, and so how one that is not finished is removed
 */
record Examination(Locations at, ImageCreation creation) {
    private static final List<ContentType> STAGED_CONTENT =
            List.of(ContentType.BACKUP, ContentType.ISO, ContentType.VZTMPL, ContentType.SNIPPETS, ContentType.IMPORT);

    private Storage storage() {
        return at.storage();
    }

    /** Removes what processes that have ended left unfinished; failing to is only logged. */
    void sweep() {
        try {
            guestDirectories().forEach(directory -> StagingDirectories.sweep(directory, creation));
        } catch (StorageException e) {
            // what cannot be read now is not swept now
        }
        contentDirectories().forEach(directory -> StagingDirectories.sweep(directory, ImageCreation.FILES));
    }

    /**
     * Looks, and changes nothing.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE}
     */
    List<Finding> run(List<Interruption> interruptions) {
        Path base = Paths.of(ContentDirectories.base(storage()));
        if (!Files.isDirectory(base)) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "unable to examine storage '" + storage().id() + "' - directory '" + base
                            + "' does not exist or is unreachable");
        }
        Findings findings = new Findings();
        Causes causes = new Causes(at, interruptions);
        List<Found> found = new ArrayList<>();
        GuestDirectoryExaminer guests = new GuestDirectoryExaminer(storage(), findings);
        for (Path directory : guestDirectories()) {
            examineStaging(directory, creation, findings);
            guests.examine(directory, found);
        }
        new SecondNameExaminer(causes, findings).examine(found);
        new SnapshotExaminer(found, causes, findings).examine();
        InterruptionExaminer interrupted = new InterruptionExaminer(at, findings);
        interruptions.forEach(interrupted::examine);
        contentDirectories().forEach(directory -> examineStaging(directory, ImageCreation.FILES, findings));
        directory(ContentType.BACKUP)
                .ifPresent(dump -> new SideFileExaminer(storage(), causes, findings).examine(dump));
        return findings.all();
    }

    private void examineStaging(Path parent, ImageCreation making, Findings findings) {
        try {
            for (Path directory : StagingDirectories.abandonedIn(parent)) {
                findings.automatic(
                        Kind.UNFINISHED,
                        directory,
                        "'" + directory + "' holds what a process that has ended was making or removing",
                        "remove it",
                        null,
                        () -> StagingDirectories.remove(directory, making));
            }
        } catch (IOException e) {
            throw Findings.unreadable(storage(), parent, e);
        }
    }

    /** Those in which files are made that are no images of guests. */
    private Set<Path> contentDirectories() {
        Set<Path> directories = new LinkedHashSet<>();
        for (ContentType type : STAGED_CONTENT) {
            directory(type).ifPresent(directories::add);
        }
        return directories;
    }

    private Optional<Path> directory(ContentType type) {
        try {
            return Optional.of(Paths.of(at.plugin().getSubdir(storage(), type))).filter(Files::isDirectory);
        } catch (StorageException e) {
            return Optional.empty();
        }
    }

    private List<Path> guestDirectories() {
        Optional<Path> images = directory(ContentType.IMAGES);
        if (images.isEmpty()) {
            return List.of();
        }
        return names(storage(), images.get()).stream()
                .filter(VolumeNames::isGuestDirectory)
                .map(images.get()::resolve)
                .filter(directory -> Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS))
                .toList();
    }

    /** What is in a directory; nothing if there is none. */
    static List<String> names(Storage storage, Path directory) {
        try {
            return DirectoryNames.in(directory);
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of();
        } catch (IOException e) {
            throw Findings.unreadable(storage, directory, e);
        }
    }
}

package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.storage.common.BackupName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A backup and the files beside it: its notes, its log, and the mark that protects it.
 *
 * @param archive the backup itself
 */
record BackupFiles(Path archive) {
    private static final Logger LOG = LoggerFactory.getLogger(BackupFiles.class);
    static final String NOTES_SUFFIX = ".notes";
    private static final String PROTECTION_SUFFIX = ".protected";
    private static final String LOG_SUFFIX = ".log";
    /** Far more than anybody writes by hand. */
    private static final int LONGEST_NOTES = 1024 * 1024;

    private static final Set<PosixFilePermission> MODE = PosixFilePermissions.fromString("rw-r--r--");

    /** The first line of the notes, empty if there are none. */
    Optional<String> firstLineOfNotes() {
        if (!Files.isRegularFile(notesFile(), LinkOption.NOFOLLOW_LINKS)) {
            return Optional.empty();
        }
        try {
            return notes().lines().findFirst();
        } catch (StorageException e) {
            LOG.warn("{}", e.getMessage());
            return Optional.empty();
        }
    }

    /** Everything that is noted, empty if nothing is. */
    String notes() {
        Path file = notesFile();
        try {
            if (!FileStatus.ofLink(file).isRegularFile()) {
                throw StorageException.refused(
                        StorageError.NOT_SUPPORTED, "unable to read notes '" + file + "': it is no regular file");
            }
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
                ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(channel.size(), LONGEST_NOTES));
                int read;
                do {
                    read = channel.read(bytes);
                } while (read >= 0 && bytes.hasRemaining());
                return text(bytes.flip());
            }
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "unable to read notes '" + file + "'");
        }
    }

    /** UTF-8, or else a byte a letter, as PVE reads notes. */
    private static String text(ByteBuffer bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes.duplicate()).toString();
        } catch (CharacterCodingException e) {
            return StandardCharsets.ISO_8859_1.decode(bytes).toString();
        }
    }

    /**
     * The notes as they were meant, where every letter beyond ASCII was written as if its bytes were letters; empty if
     * they do not look so.
     */
    Optional<String> notesBeforeTheyWereEncodedTwice() {
        String notes = notes();
        if (notes.chars().allMatch(letter -> letter < 0x80) || notes.chars().anyMatch(letter -> letter > 0xff)) {
            return Optional.empty();
        }
        try {
            ByteBuffer bytes = ByteBuffer.wrap(notes.getBytes(StandardCharsets.ISO_8859_1));
            return Optional.of(StandardCharsets.UTF_8.newDecoder().decode(bytes).toString());
        } catch (CharacterCodingException e) {
            return Optional.empty();
        }
    }

    /** Notes this instead of what was noted; nothing if it is empty. */
    void setNotes(String notes) {
        Path file = notesFile();
        byte[] bytes = notes.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > LONGEST_NOTES) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "unable to write notes '" + file + "': they have " + bytes.length
                            + " bytes and the most allowed is " + LONGEST_NOTES);
        }
        try {
            if (notes.isEmpty()) {
                Files.deleteIfExists(file);
            } else {
                replace(file, bytes);
            }
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unable to write notes '" + file + "'");
        }
    }

    /** Half-written notes are never read. */
    private static void replace(Path file, byte[] bytes) throws IOException {
        Path directory = file.resolveSibling(".").normalize();
        StagingDirectories.sweep(directory, ImageCreation.FILES);
        Path staging = StagingDirectories.create(directory);
        Path staged = staging.resolve(file.getFileName());
        try {
            write(staged, bytes);
            Files.move(staged, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            removeQuietly(staged);
            removeQuietly(staging);
        }
    }

    private static void write(Path file, byte[] bytes) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW), attribute())) {
            ByteBuffer rest = ByteBuffer.wrap(bytes);
            while (rest.hasRemaining()) {
                channel.write(rest);
            }
            channel.force(true);
        }
    }

    private static FileAttribute<Set<PosixFilePermission>> attribute() {
        return PosixFilePermissions.asFileAttribute(MODE);
    }

    boolean isProtected() {
        return Files.exists(protectionFile(), LinkOption.NOFOLLOW_LINKS);
    }

    void setProtected(boolean isProtected) {
        Path file = protectionFile();
        try {
            if (!isProtected) {
                Files.deleteIfExists(file);
            } else {
                Files.createFile(file, attribute());
            }
        } catch (FileAlreadyExistsException e) {
            LOG.debug("'{}' is protected already", archive);
        } catch (IOException e) {
            throw Failures.of(
                    e, Outcome.FAILED_CLEAN, "unable to " + (isProtected ? "make '" : "remove '") + file + "'");
        }
    }

    /**
     * Removes the backup and its notes and log; one that is missing is removed already.
     *
     * @throws StorageException {@code PERMISSION_DENIED} if it is protected; {@code FAILED_CLEAN} if the backup is still
     *     there
     */
    void remove() {
        if (isProtected()) {
            throw StorageException.refused(
                    StorageError.PERMISSION_DENIED, "cannot remove protected archive '" + archive + "'");
        }
        try {
            Files.deleteIfExists(archive);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unlink '" + archive + "' failed");
        }
        removeCompanions();
    }

    /** Removes the notes and the log of a backup that is removed. */
    void removeCompanions() {
        removeQuietly(notesFile());
        BackupName.Standard standard = BackupName.of(fileName()).standard();
        if (standard != null) {
            removeQuietly(archive.resolveSibling(standard.stem() + LOG_SUFFIX));
        }
    }

    private static void removeQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.warn("'{}' is left and not needed: {}", file, Failures.reason(e));
        }
    }

    Path notesFile() {
        return archive.resolveSibling(fileName() + NOTES_SUFFIX);
    }

    private Path protectionFile() {
        return archive.resolveSibling(fileName() + PROTECTION_SUFFIX);
    }

    private String fileName() {
        return String.valueOf(archive.getFileName());
    }
}

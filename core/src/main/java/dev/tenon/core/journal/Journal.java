package dev.tenon.core.journal;

import dev.tenon.core.linux.Directories;
import dev.tenon.core.linux.DirectorySync;
import dev.tenon.core.linux.ProcessIdentity;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory of this node with a small file for every operation that is changing a storage. The file is on the disk
 * before the operation begins and goes away with its end, so those that stay tell what was interrupted.
 */
public final class Journal {
    private static final Logger LOG = LoggerFactory.getLogger(Journal.class);
    private static final String ENTRY_SUFFIX = ".entry";
    private static final String REPAIR_SUFFIX = ".repair";

    private static final String DIRECTORY_MODE = "rwx------";
    private static final FileAttribute<Set<PosixFilePermission>> FILE_MODE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private final Path directory;
    private final AtomicLong numbers = new AtomicLong();

    /** The journal in this directory, which is made when it is first needed. */
    public Journal(Path directory) {
        this.directory = directory.toAbsolutePath().normalize();
    }

    public Path directory() {
        return directory;
    }

    /** An operation that is running. */
    public final class Running {
        private final Path file;
        private final JournalEntry entry;

        private Running(Path file, JournalEntry entry) {
            this.file = file;
            this.entry = entry;
        }

        /** What is written down. */
        JournalEntry entry() {
            return entry;
        }

        /** It ended, with or without success, and its effect is known. */
        public void ended() {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                LOG.error("event=journal-entry-left file={} reason=\"{}\"", file, e.toString());
            }
        }

        /** It ended, and nobody knows its effect. */
        public void endedUnknown(String problem) {
            JournalEntry marked = new JournalEntry(
                    entry.id(),
                    entry.operation(),
                    entry.storage(),
                    entry.type(),
                    entry.parameters(),
                    entry.witness(),
                    entry.process(),
                    entry.started(),
                    problem,
                    true);
            Path hidden = directory.resolve("." + file.getFileName());
            try {
                write(hidden, EntryText.of(marked));
                Files.move(hidden, file, StandardCopyOption.ATOMIC_MOVE);
                DirectorySync.of(directory);
            } catch (IOException e) {
                LOG.error("event=journal-entry-not-marked file={} reason=\"{}\"", file, e.toString());
            }
        }
    }

    /**
     * Writes down what is about to be done.
     *
     * @param parameters what it is called with
     * @param witness what is there before
     * @throws StorageException {@code NOT_STARTED}: {@code IN_USE} if the storage is being repaired, {@code
     *     STORAGE_UNAVAILABLE} if nothing can be written
     */
    public Running begin(
            Mutation operation,
            StorageId storage,
            String type,
            Map<String, String> parameters,
            Map<String, String> witness) {
        Instant now = Instant.now();
        ProcessIdentity process;
        try {
            process = ProcessIdentity.own();
        } catch (UncheckedIOException e) {
            throw notBegun(operation, storage, "written: " + e.getMessage(), e);
        }
        String id = now.toEpochMilli() + "-" + process + "-" + numbers.incrementAndGet();
        JournalEntry entry = new JournalEntry(
                id, operation.word(), storage.value(), type, parameters, witness, process, now, null, true);
        Path file = directory.resolve(id + ENTRY_SUFFIX);
        Running running = new Running(file, entry);
        try {
            makeDirectory();
            write(file, EntryText.of(entry));
            DirectorySync.of(directory);
        } catch (IOException e) {
            running.ended();
            throw notBegun(operation, storage, "written: " + e.getMessage(), e);
        }
        boolean isBeingRepaired;
        try {
            isBeingRepaired = isBeingRepaired(storage);
        } catch (StorageException e) {
            running.ended();
            throw e;
        }
        if (isBeingRepaired) {
            running.ended();
            throw StorageException.refused(
                    StorageError.IN_USE,
                    operation + " of storage '" + storage
                            + "' is not begun, because the storage is being repaired; repeat it when that is done");
        }
        return running;
    }

    private StorageException notBegun(Mutation operation, StorageId storage, String why, Exception cause) {
        return new StorageException(
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.NOT_STARTED,
                operation + " of storage '" + storage + "' is not begun, because the journal in '" + directory
                        + "' cannot be " + why,
                cause);
    }

    /** All entries, oldest first. */
    public List<JournalEntry> entries() {
        List<JournalEntry> entries = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "[!.]*" + ENTRY_SUFFIX)) {
            for (Path file : files) {
                read(file).ifPresent(entries::add);
            }
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException | DirectoryIteratorException e) {
            throw unreadable(e);
        }
        entries.sort(Comparator.comparing(JournalEntry::id));
        return List.copyOf(entries);
    }

    private static Optional<JournalEntry> read(Path file) throws IOException {
        String name = String.valueOf(file.getFileName());
        String id = name.substring(0, name.length() - ENTRY_SUFFIX.length());
        try {
            return Optional.of(EntryText.parse(id, Files.readAllBytes(file)));
        } catch (NoSuchFileException e) {
            return Optional.empty(); // it has just ended
        }
    }

    /** Those of which nobody knows how far they came, oldest first. */
    public List<JournalEntry> interrupted() {
        return entries().stream()
                .filter(entry -> entry.isComplete() && !entry.isRunning())
                .toList();
    }

    /** Removes what is left of entries that were not written to their end: the operations have not begun. */
    public void discardUnbegun() {
        entries().stream()
                .filter(entry -> !entry.isComplete() && !entry.isRunning())
                .forEach(this::forget);
    }

    /** Removes those of the {@link #interrupted} for which this holds. */
    public void forgetAll(Predicate<JournalEntry> isSettled) {
        interrupted().stream().filter(isSettled).forEach(this::forget);
    }

    /** Removes an entry whose effect is known now; one that is gone is forgotten already. */
    public void forget(JournalEntry entry) {
        try {
            Files.deleteIfExists(file(entry));
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.FAILED_CLEAN,
                    "unable to remove the journal's entry '" + file(entry) + "': " + e.getMessage(),
                    e);
        }
    }

    /** The file of an entry. */
    public Path file(JournalEntry entry) {
        return directory.resolve(entry.id() + ENTRY_SUFFIX);
    }

    /**
     * Does something while no operation of this storage begins on this node.
     *
     * @throws StorageException {@code IN_USE}, {@code NOT_STARTED} if somebody else repairs it
     */
    public <T> T repairing(StorageId storage, Supplier<T> work) {
        Path file = directory.resolve(storage + REPAIR_SUFFIX);
        try {
            makeDirectory();
            if (isBeingRepaired(storage)) {
                throw StorageException.refused(
                        StorageError.IN_USE, "storage '" + storage + "' is being repaired already");
            }
            Path hidden = directory.resolve("." + ProcessIdentity.own() + "-" + numbers.incrementAndGet());
            write(hidden, ProcessIdentity.own().toString());
            Files.move(hidden, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw unreadable(e);
        }
        try {
            return work.get();
        } finally {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                LOG.error("event=repair-mark-left file={} reason=\"{}\"", file, e.toString());
            }
        }
    }

    private boolean isBeingRepaired(StorageId storage) {
        Path file = directory.resolve(storage + REPAIR_SUFFIX);
        if (!Files.exists(file)) {
            return false;
        }
        try {
            return ProcessIdentity.parse(Files.readString(file))
                    .filter(process -> !process.hasEnded())
                    .isPresent();
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private StorageException unreadable(Exception failure) {
        return new StorageException(
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.NOT_STARTED,
                "the journal in '" + directory + "' cannot be used: " + failure.getMessage(),
                failure);
    }

    private void makeDirectory() throws IOException {
        if (!Files.isDirectory(directory)) {
            Directories.make(directory, DIRECTORY_MODE);
        }
    }

    private static void write(Path file, String text) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW), FILE_MODE)) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(false);
        }
    }
}

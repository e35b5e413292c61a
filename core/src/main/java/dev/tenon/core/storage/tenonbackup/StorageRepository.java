package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryOptions;
import dev.tenon.core.backup.repository.Unlocking;
import dev.tenon.core.linux.DirectorySync;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.common.SecretFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The repository of a storage, and the key that the storage has for it: the file {@code ID.enc} where PVE keeps the keys of
 * Proxmox Backup Server, too. {@code TENON_SECRET_DIR} is another directory for it.
 */
public final class StorageRepository {
    /** The property that has a key file's text. */
    static final String KEY = "encryption-key";

    /** As in PVE: make a key. */
    private static final String MAKE = "autogen";

    private static final String MODE = "rw-------";
    private static final Path PVE = Path.of("/etc/pve");

    private StorageRepository() {}

    private static Path secrets() {
        String given = System.getenv("TENON_SECRET_DIR");
        return given != null && !given.isEmpty()
                ? Path.of(given)
                : (Files.isDirectory(PVE) ? PVE : Path.of("/etc/tenon")).resolve("priv/storage");
    }

    private static SecretFile file(StorageId storage) {
        return new SecretFile(secrets().resolve(storage + ".enc"));
    }

    /**
     * Where it is.
     *
     * @throws StorageException {@code BAD_CONFIG} if the configuration does not say
     */
    public static Path directory(Storage storage) {
        return Path.of(storage.config()
                .text("path")
                .filter(path -> !path.isEmpty())
                .orElseThrow(() -> StorageException.refused(
                        StorageError.BAD_CONFIG, "storage '" + storage.id() + "' has no path")));
    }

    /**
     * Opens it, by the storage's key if it has one.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE} if there is none, {@code PERMISSION_DENIED} if that is the key of
     *     another repository
     */
    public static Repository open(Storage storage) throws IOException {
        Path directory = directory(storage);
        if (!Repository.isOne(directory)) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "storage '" + storage.id() + "' has no repository in " + Quoted.of(directory.toString())
                            + ": mount what is to be there, or make one with 'tenon backup init'");
        }
        return Repository.open(directory, key(storage.id()));
    }

    private static @Nullable Unlocking key(StorageId storage) throws IOException {
        try {
            return Unlocking.ofFile(Files.readString(file(storage).path()));
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    /**
     * Takes the repository that is there, or makes one in an empty directory. The key is written before the repository, so
     * that none is made whose key is nowhere. A key that an earlier storage of this name has left is put away.
     *
     * @param key what was given as the key; null for none
     * @return the text of a key that was made; null if none was
     */
    static @Nullable String add(Storage storage, @Nullable String key) throws IOException {
        Path directory = directory(storage);
        boolean isThere = Repository.isOne(directory);
        if (key == null) {
            if (!isThere) {
                Repository.init(directory);
            }
            putAway(storage.id());
            return null;
        }
        if (isThere && key.equals(MAKE)) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "storage '" + storage.id() + "': there is a repository in '" + directory
                            + "' already; give its key file's text instead of '" + MAKE + "'");
        }
        String text = key.equals(MAKE) ? Unlocking.KeyFile.generate().text() : key;
        Unlocking by = Unlocking.ofFile(text);
        if (isThere) {
            Repository.open(directory, by).close();
            replace(storage.id(), text);
            return null;
        }
        if (!(by instanceof Unlocking.KeyFile)) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "storage '" + storage.id() + "': a key from paper is that of a repository, and there is none in '"
                            + directory + "'");
        }
        Former former = replace(storage.id(), text);
        try {
            Repository.init(directory, new RepositoryOptions(Map.of(storage.id().toString(), by), 0));
        } catch (IOException | RuntimeException e) {
            // Not if it may have been made after all: its key must not be lost.
            if (!Repository.isOne(directory)) {
                former.putBack();
            }
            throw e;
        }
        return key.equals(MAKE) ? text : null;
    }

    /**
     * Takes another key for the storage; the repository keeps its own.
     *
     * @param key null to have none any more
     * @return the fingerprint of the repository's key, which the configuration has in place of the key; empty without one
     */
    static Optional<String> change(Storage storage, @Nullable String key) throws IOException {
        if (key == null) {
            putAway(storage.id());
            return Optional.empty();
        }
        if (key.equals(MAKE)) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "storage '" + storage.id() + "' has a repository already, whose keys 'tenon backup key' makes; give"
                            + " a key file's text instead of '" + MAKE + "'");
        }
        Optional<String> fingerprint;
        try (Repository repository = Repository.open(directory(storage), Unlocking.ofFile(key))) {
            fingerprint = repository.fingerprint();
        }
        replace(storage.id(), key);
        return fingerprint;
    }

    /**
     * The key that another one has replaced.
     *
     * @param text as it was in the file; null if there was none
     * @param beside where it is now; null if it has not moved
     */
    private record Former(
            SecretFile file,
            @Nullable String text,
            @Nullable Path beside) {
        void putBack() throws IOException {
            if (text == null) {
                file.remove();
            } else if (beside != null) {
                file.write(text, MODE);
                Files.deleteIfExists(beside);
            }
        }
    }

    /** The former key is kept beside before it is replaced, so that at no time it is nowhere. */
    private static Former replace(StorageId storage, String key) throws IOException {
        SecretFile file = file(storage);
        String text;
        try {
            text = Files.readString(file.path());
        } catch (NoSuchFileException e) {
            file.write(key + "\n", MODE);
            return new Former(file, null, null);
        }
        if (text.strip().equals(key.strip())) {
            return new Former(file, text, null);
        }
        Path beside = beside(file.path());
        new SecretFile(beside).write(text, MODE);
        try {
            file.write(key + "\n", MODE);
        } catch (StorageException e) {
            if (e.outcome() == Outcome.FAILED_CLEAN) {
                Files.deleteIfExists(beside);
            }
            throw e;
        }
        return new Former(file, text, beside);
    }

    private static Path beside(Path key) {
        long time = System.currentTimeMillis();
        while (true) {
            Path beside = key.resolveSibling(key.getFileName() + ".removed-" + time);
            if (Files.notExists(beside, LinkOption.NOFOLLOW_LINKS)) {
                return beside;
            }
            time++;
        }
    }

    /** Keeps the key beside, under another name: it may be the only one by which the backups can be read. */
    static void putAway(StorageId storage) {
        Path key = file(storage).path();
        Outcome outcome = Outcome.FAILED_CLEAN;
        try {
            if (Files.exists(key)) {
                Files.move(key, beside(key));
                outcome = Outcome.UNKNOWN;
                DirectorySync.of(key.resolveSibling(".").normalize());
            }
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE,
                    outcome,
                    "storage '" + storage + "': unable to put its key '" + key + "' away: " + e.getMessage(),
                    e);
        }
    }
}

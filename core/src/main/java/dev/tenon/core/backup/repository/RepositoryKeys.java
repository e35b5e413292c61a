package dev.tenon.core.backup.repository;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.DirectorySync;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * By what an encrypted repository is opened: each slot holds the repository's key, sealed by a passphrase or a key file. No
 * chunk is written when they change. Whoever has had the key itself may have kept it: removing a slot does not take it back.
 */
public final class RepositoryKeys {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}");

    private static final String LOCK = "lock";

    private final Layout layout;
    private final RepositoryKey key;

    RepositoryKeys(Layout layout, RepositoryKey key) {
        this.layout = layout;
        this.key = key;
    }

    /**
     * A slot.
     *
     * @param isPassphrase or a key file
     * @param isFull whether it reads, or only adds backups
     * @param isDamaged whether it opens nothing any more, and nothing else is known of it; it can be removed
     */
    public record Slot(String name, boolean isPassphrase, boolean isFull, boolean isDamaged) {}

    /** The same for all slots of a repository. */
    public String fingerprint() {
        return key.fingerprint();
    }

    /** All slots, by name. */
    public List<Slot> slots() throws IOException {
        List<Slot> slots = new ArrayList<>();
        for (Path file : files(layout)) {
            String fileName = String.valueOf(file.getFileName());
            String name = fileName.substring(0, fileName.length() - KeySlot.EXTENSION.length());
            try {
                KeySlot slot = KeySlot.read(file);
                slots.add(new Slot(name, slot.iterations() > 0, slot.isFull(), false));
            } catch (NoSuchFileException e) {
                // removed meanwhile
            } catch (IOException e) {
                slots.add(new Slot(name, false, false, true));
            }
        }
        return slots;
    }

    static List<Path> files(Layout layout) throws IOException {
        return Layout.entries(layout.keys()).stream()
                .filter(file -> file.toString().endsWith(KeySlot.EXTENSION))
                .toList();
    }

    private Path file(String name) {
        if (!NAME.matcher(name).matches()) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "a key cannot be named " + Quoted.of(name) + ": take letters, digits, '_', '.' and '-'");
        }
        return layout.keys().resolve(name + KeySlot.EXTENSION);
    }

    /**
     * Adds a slot.
     *
     * @param isFull false for a host that only adds backups
     * @throws StorageException {@code ALREADY_EXISTS} if there is one of that name, {@code PERMISSION_DENIED} if the
     *     repository was opened by a key that only writes
     */
    public void add(String name, Unlocking by, boolean isFull) throws IOException {
        requireFull();
        Path file = file(name);
        byte[] slot = KeySlot.make(key, by, isFull).write();
        alone(() -> {
            if (Files.exists(file)) {
                throw StorageException.refused(
                        StorageError.ALREADY_EXISTS, "the repository has a key " + Quoted.of(name) + " already");
            }
            Layout.publish(file, slot);
        });
    }

    private interface Change {
        void run() throws IOException;
    }

    /** Two who change keys at the same time would each count on the key that the other one removes. */
    private void alone(Change change) throws IOException {
        synchronized (RepositoryKeys.class) {
            Layout.makeDirectory(layout.keys());
            try (FileChannel channel = FileChannel.open(
                            layout.keys().resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = channel.lock()) {
                if (!lock.isValid()) {
                    throw new IOException("the lock of the keys is lost");
                }
                change.run();
            }
        }
    }

    /**
     * The files of slots of a new repository, by name; none is written.
     *
     * @throws StorageException if a name or a way to unlock cannot be
     */
    static Map<Path, byte[]> made(Layout layout, RepositoryKey key, Map<String, Unlocking> by) throws IOException {
        Map<Path, byte[]> slots = new LinkedHashMap<>();
        RepositoryKeys keys = new RepositoryKeys(layout, key);
        for (Map.Entry<String, Unlocking> each : by.entrySet()) {
            slots.put(
                    keys.file(each.getKey()),
                    KeySlot.make(key, each.getValue(), true).write());
        }
        return slots;
    }

    /**
     * Makes a slot anew, with the same rights; what opened it before does not open it any more.
     *
     * @throws StorageException {@code NOT_FOUND} if there is none of that name
     */
    public void change(String name, Unlocking by) throws IOException {
        requireFull();
        alone(() -> {
            Path file = present(name);
            Layout.publish(
                    file, KeySlot.make(key, by, KeySlot.read(file).isFull()).write());
        });
    }

    /**
     * Removes a slot.
     *
     * @throws StorageException {@code NOT_FOUND} if there is none of that name, {@code IN_USE} if it is the last that reads
     */
    public void remove(String name) throws IOException {
        requireFull();
        alone(() -> {
            Path file = present(name);
            List<Slot> full = slots().stream().filter(Slot::isFull).toList();
            if (full.size() == 1 && full.getFirst().name().equals(name)) {
                throw StorageException.refused(
                        StorageError.IN_USE,
                        "the key " + Quoted.of(name)
                                + " is the last by which the backups can be read; add another one first");
            }
            Files.delete(file);
            DirectorySync.of(layout.keys());
        });
    }

    /** The whole key, to be printed and kept away from the machine: a title, and four lines. */
    public String paper() {
        requireFull();
        return "Tenon repository key, fingerprint " + fingerprint() + "\n"
                + new Unlocking.Paper(key.secret(true)).text();
    }

    private Path present(String name) {
        Path file = file(name);
        if (!Files.exists(file)) {
            throw StorageException.refused(StorageError.NOT_FOUND, "the repository has no key " + Quoted.of(name));
        }
        return file;
    }

    private void requireFull() {
        if (!key.canRead()) {
            throw StorageException.refused(
                    StorageError.PERMISSION_DENIED,
                    "the repository was opened by a key that only adds backups; keys are changed with a full one");
        }
    }

    /**
     * The key of a repository.
     *
     * @param fingerprint what the repository says of its key
     * @throws StorageException {@code PERMISSION_DENIED} if this does not open it
     */
    static RepositoryKey open(Layout layout, String fingerprint, Unlocking by) throws IOException {
        int slots = 0;
        String damaged = "";
        if (by instanceof Unlocking.Paper paper) {
            RepositoryKey key = RepositoryKey.ofSecret(paper.secret(), true);
            if (key.fingerprint().equals(fingerprint)) {
                return key;
            }
        } else {
            for (Path file : files(layout)) {
                try {
                    RepositoryKey key = KeySlot.read(file).open(by);
                    if (key != null && key.fingerprint().equals(fingerprint)) {
                        return key;
                    }
                    slots++;
                } catch (BadRepositoryException e) {
                    // The others may open it all the same.
                    damaged = ", and " + e.getMessage();
                } catch (IOException e) {
                    damaged = ", and the key slot '" + file.getFileName() + "' cannot be read: " + Failures.reason(e);
                }
            }
        }
        throw StorageException.refused(
                StorageError.PERMISSION_DENIED,
                by.words() + " does not open the repository in "
                        + Quoted.of(layout.root().toString())
                        + (by instanceof Unlocking.Paper ? "" : ", which has " + slots + " keys")
                        + "; its fingerprint is " + fingerprint.substring(0, Math.min(16, fingerprint.length()))
                        + damaged);
    }
}

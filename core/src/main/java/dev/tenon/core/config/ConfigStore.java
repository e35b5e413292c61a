package dev.tenon.core.config;

import dev.tenon.core.config.ConfigFile.Section;
import dev.tenon.core.config.Reading.Found;
import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.AtomicFile;
import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads and changes a {@code storage.cfg}. A change made by anybody is seen by the next call. A change that is made here
 * touches the lines of one section; whatever fails, the file is as it was. Calls may come from many threads.
 */
public final class ConfigStore {
    /** The file's times may be whole seconds, and of another node's clock. */
    private static final long SETTLED_MILLIS = 3000;

    /** What PVE's cluster file system gives to its files. */
    private static final int MODE_OF_NEW = 0640;

    private record Cached(Map<String, Object> stamp, boolean isSettled, Reading reading) {}

    private final Path file;
    private final Map<String, StorageType> types = new TreeMap<>();
    private final ExclusiveLock lock;
    private volatile @Nullable Cached cached;

    /**
     * @param file may be missing: then there is only {@code local}
     * @param types the storage types by the name that stands in the file
     * @param lock held while the file is changed
     */
    public ConfigStore(Path file, Map<String, StoragePlugin> types, ExclusiveLock lock) {
        this.file = file;
        this.lock = lock;
        Properties properties = new Properties(types.values());
        types.forEach((type, plugin) -> {
            if (!type.equals(plugin.type())) {
                throw new IllegalArgumentException(
                        "the plugin of type '" + type + "' calls itself '" + plugin.type() + "'");
            }
            this.types.put(type, new StorageType(plugin, properties));
        });
    }

    /**
     * The storages as the file says now.
     *
     * @throws StorageException {@code PERMISSION_DENIED} or {@code STORAGE_UNAVAILABLE} if it cannot be read
     */
    public StorageConfigs current() {
        Map<String, Object> stamp = stamp();
        Cached last = cached;
        if (last != null && last.isSettled() && last.stamp().equals(stamp)) {
            return last.reading().configs();
        }
        return readAgain().configs();
    }

    private synchronized Reading readAgain() {
        Map<String, Object> stamp = stamp();
        boolean isOld = !(stamp.get("lastModifiedTime") instanceof FileTime changed)
                || changed.toMillis() < System.currentTimeMillis() - SETTLED_MILLIS;
        byte[] bytes = bytes();
        String digest = digest(bytes);
        Cached last = cached;
        Reading reading = last != null
                        && last.reading().isFinal()
                        && last.reading().configs().digest().equals(digest)
                ? last.reading()
                : new Reading(bytes, digest, types);
        cached = new Cached(stamp, isOld && reading.isFinal(), reading);
        return reading;
    }

    private Map<String, Object> stamp() {
        try {
            return Files.readAttributes(file, "unix:dev,ino,size,lastModifiedTime,ctime");
        } catch (NoSuchFileException e) {
            return Map.of();
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private byte[] bytes() {
        try {
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            return new byte[0];
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private StorageException unreadable(IOException e) {
        return Failures.of(e, Outcome.NOT_STARTED, "unable to read '" + file + "'");
    }

    private static String digest(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    // ---- changes

    /**
     * Adds a storage. The plugin is told before it is tried; if it does not work, the plugin is told that it is gone.
     *
     * @param given property to value as text, sensitive ones included; those are for the plugin and not for the file. Blanks
     *     around a value are no part of it; an empty one is not written
     * @param trial tries the storage, as it will be read, before it is written; throws if it does not work
     * @return what the plugin answers whoever asked, mostly nothing
     * @throws StorageException {@code ALREADY_EXISTS}; {@code BAD_PARAMETER} for a value that breaks a rule; {@code
     *     BAD_CONFIG} for properties that do not make a storage, or a file that has to be mended before; {@code IN_USE} if
     *     the lock cannot be taken; whatever the plugin and the trial throw
     */
    public Map<String, Object> add(StorageId id, String type, Map<String, String> given, Consumer<Storage> trial) {
        return changing(reading -> adding(reading, id, type, given, trial));
    }

    private Map<String, Object> adding(
            Reading reading, StorageId id, String typeName, Map<String, String> given, Consumer<Storage> trial) {
        if (reading.configs().all().stream().anyMatch(storage -> storage.id().equals(id))
                || !reading.sections(id).isEmpty()) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS, "storage ID '" + id + "' already defined in " + file);
        }
        StorageType type = types.get(typeName);
        if (type == null) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "unknown section type " + Quoted.of(typeName) + ", known types are "
                            + String.join(", ", types.keySet()));
        }
        SectionInput input = new SectionInput(id, type);
        Secrets secrets = input.secrets(given, Set.of());
        Map<String, Object> properties = input.check(input.texts(given), true);
        input.refuseMissing(input.encode(properties));

        HookResult result = type.plugin().onAdd(new Storage(id, new StorageConfig(typeName, properties)), secrets);
        try {
            refuseSecrets(id, type, secrets, result);
            Map<String, List<String>> lines = input.encode(input.decode(result.properties()));
            List<String> all = lines.values().stream().flatMap(List::stream).toList();
            byte[] bytes = reading.file().adding(typeName, id.value(), all);
            trial.accept(readBack(bytes, id, type, lines));
            write(reading, bytes);
        } catch (RuntimeException | Error e) {
            throw undone(id, type, result, e);
        }
        return result.answer();
    }

    /** What the plugin did for a storage that is not added after all must go again. */
    private static RuntimeException undone(StorageId id, StorageType type, HookResult result, Throwable failure) {
        try {
            Map<String, Object> properties = new LinkedHashMap<>(result.properties());
            properties.remove("type");
            type.plugin()
                    .onDelete(new Storage(id, new StorageConfig(type.plugin().type(), properties)));
        } catch (RuntimeException e) {
            StorageException both = new StorageException(
                    failure instanceof StorageException known ? known.error() : StorageError.INTERNAL,
                    Outcome.UNKNOWN,
                    failure.getMessage() + "; storage '" + id
                            + "' is not added, but removing what was made for it failed: " + e.getMessage(),
                    failure);
            both.addSuppressed(e);
            return both;
        }
        if (failure instanceof Error error) {
            throw error;
        }
        return (RuntimeException) failure;
    }

    /**
     * Changes a storage.
     *
     * @param given property to its new value as text, as in {@link #add}
     * @param deleted the properties to be deleted
     * @param digest the one that the file must still have, null for any
     * @return what the plugin answers whoever asked, mostly nothing
     * @throws StorageException {@code NOT_FOUND}; {@code BAD_PARAMETER} for a value that breaks a rule or a property that
     *     cannot be deleted; {@code BAD_CONFIG} for one that is fixed, or a file that has to be mended before; {@code
     *     IN_USE} if the file has changed meanwhile or the lock cannot be taken; whatever the plugin throws
     */
    public Map<String, Object> set(
            StorageId id, Map<String, String> given, Set<String> deleted, @Nullable String digest) {
        return changing(reading -> {
            if (digest != null
                    && !digest.isEmpty()
                    && !digest.equals(reading.configs().digest())) {
                throw modified();
            }
            return setting(reading, id, given, deleted);
        });
    }

    private Map<String, Object> setting(Reading reading, StorageId id, Map<String, String> given, Set<String> deleted) {
        Storage storage = reading.configs().get(id);
        Optional<Found> found = reading.written(id);
        StorageType type = typeOf(storage);
        Map<String, Object> old =
                found.map(Found::properties).orElseGet(() -> storage.config().properties());

        SectionInput input = new SectionInput(id, type);
        Secrets secrets = input.secrets(given, deleted);
        Map<String, Object> texts = input.texts(given);
        input.refuseFixed(texts);
        Map<String, Object> changes = input.check(texts, false);
        input.refuseDeleting(deleted, changes);

        List<String> gone = new ArrayList<>(new TreeSet<>(deleted));
        gone.removeAll(type.sensitive());
        input.refuseMissing(input.encode(merged(old, deleted, changes)));
        HookResult result = type.plugin().onUpdate(storage, new ConfigChange(changes, gone, secrets));
        try {
            refuseSecrets(id, type, secrets, result);
            Map<String, List<String>> before = input.encode(old);
            Map<String, List<String>> after = input.encode(merged(old, deleted, input.decode(result.properties())));
            byte[] bytes = found.isPresent()
                    ? reading.file().changing(found.get().section(), changed(before, after), type.order())
                    : reading.file()
                            .adding(
                                    type.plugin().type(),
                                    id.value(),
                                    after.values().stream()
                                            .flatMap(List::stream)
                                            .toList());
            readBack(bytes, id, type, after);
            write(reading, bytes);
        } catch (StorageException e) {
            throw told(id, e);
        }
        return result.answer();
    }

    private static Map<String, Object> merged(
            Map<String, Object> old, Set<String> deleted, Map<String, Object> changes) {
        Map<String, Object> merged = new LinkedHashMap<>(old);
        merged.keySet().removeAll(deleted);
        merged.putAll(changes);
        return merged;
    }

    private static Map<String, List<String>> changed(
            Map<String, List<String>> before, Map<String, List<String>> after) {
        Set<String> names = new HashSet<>(before.keySet());
        names.addAll(after.keySet());
        Map<String, List<String>> changed = new LinkedHashMap<>();
        for (String name : names) {
            List<String> lines = after.getOrDefault(name, List.of());
            if (!lines.equals(before.getOrDefault(name, List.of()))) {
                changed.put(name, lines);
            }
        }
        return changed;
    }

    /**
     * Removes a storage from the file; its content stays where it is.
     *
     * @throws StorageException {@code NOT_FOUND}; {@code IN_USE} if another storage has it as its base or the lock cannot be
     *     taken; {@code NOT_SUPPORTED} for a {@code local} that is not in the file; {@code BAD_CONFIG} for a file that has
     *     to be mended before; whatever the plugin throws
     */
    public void remove(StorageId id) {
        changing(reading -> {
            removing(reading, id);
            return Map.of();
        });
    }

    private void removing(Reading reading, StorageId id) {
        Storage storage = reading.configs().get(id);
        Found found = reading.written(id)
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_SUPPORTED,
                        "storage '" + id + "' is not in " + file + " and cannot be removed from it: it always exists"));
        refuseBase(reading, id);
        found.type().plugin().onDelete(storage);
        try {
            List<Section> sections = reading.sections(id).stream()
                    .filter(section -> types.containsKey(section.type()))
                    .toList();
            write(reading, reading.file().removing(sections));
        } catch (StorageException e) {
            throw told(id, e);
        }
    }

    /** Also sections of unknown types may have it as their base. */
    private static void refuseBase(Reading reading, StorageId id) {
        for (Section section : reading.file().sections()) {
            boolean isBase = section.properties().stream()
                    .filter(property -> property.name().equals("base") && property.value() != null)
                    .anyMatch(property -> isOn(property.value(), id));
            if (isBase) {
                throw StorageException.refused(
                        StorageError.IN_USE,
                        "can't remove storage - storage is used as base of another storage: '" + id
                                + "' is the base of " + Quoted.of(section.id()));
            }
        }
    }

    private static boolean isOn(@Nullable String volume, StorageId id) {
        try {
            return volume != null && VolumeId.parse(volume).storage().equals(id);
        } catch (StorageException e) {
            return false;
        }
    }

    // ---- what all changes have in common

    private interface Change {
        Map<String, Object> make(Reading reading);
    }

    private Map<String, Object> changing(Change change) {
        Supplier<Map<String, Object>> work = () -> {
            Reading reading = readAgain();
            refuseFaults(reading);
            return change.make(reading);
        };
        return lock.hold(null, work);
    }

    private void refuseFaults(Reading reading) {
        reading.configs().problems().stream()
                .filter(Problem::isError)
                .findFirst()
                .ifPresent(problem -> {
                    throw StorageException.refused(
                            StorageError.BAD_CONFIG,
                            "file " + file + " " + problem + "; correct this line by hand, nothing was changed");
                });
    }

    private static StorageException modified() {
        return StorageException.refused(
                StorageError.IN_USE, "detected modified configuration - file changed by other user? Try again.");
    }

    private StorageType typeOf(Storage storage) {
        StorageType type = types.get(storage.config().type());
        if (type == null) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "storage '" + storage.id() + "' has the unsupported type '"
                            + storage.config().type() + "', known types are " + String.join(", ", types.keySet()));
        }
        return type;
    }

    /** A plugin keeps its secrets elsewhere; at most it marks in the file that there is one. */
    private void refuseSecrets(StorageId id, StorageType type, Secrets secrets, HookResult result) {
        secrets.changes().forEach((name, value) -> {
            if (value.isPresent() && value.get().equals(result.properties().get(name))) {
                throw StorageException.refused(
                        StorageError.BAD_RESULT,
                        "the plugin of type '" + type.plugin().type() + "' wants the sensitive property '" + name
                                + "' of storage '" + id + "' in " + file + ", where it does not belong");
            }
        });
    }

    /** The storage that these bytes would be read as. */
    private static Storage readBack(byte[] bytes, StorageId id, StorageType type, Map<String, List<String>> lines) {
        List<Problem> problems = new ArrayList<>();
        Section section = new ConfigFile(bytes)
                .sections().stream()
                        .filter(candidate -> candidate.id().equals(id.value())
                                && candidate.type().equals(type.plugin().type()))
                        .reduce((first, second) -> second)
                        .orElseThrow(() -> new IllegalStateException("storage '" + id + "' is not in its own text"));
        Map<String, Object> properties = Reading.resolve(section, id, type, problems);
        Optional<Problem> error = problems.stream().filter(Problem::isError).findFirst();
        if (error.isPresent()) {
            throw StorageException.refused(StorageError.BAD_CONFIG, error.get().text());
        }
        changed(lines, new SectionInput(id, type).encode(properties)).forEach((name, read) -> {
            throw StorageException.refused(
                    StorageError.BAD_CONFIG,
                    "storage '" + id + "': the line " + Quoted.of(String.join("", lines.getOrDefault(name, List.of())))
                            + " would be read as " + Quoted.of(String.join("", read)));
        });
        return new Storage(id, type.complete(properties));
    }

    /** Unless somebody has written the file by hand meanwhile. */
    private void write(Reading reading, byte[] content) {
        if (!digest(bytes()).equals(reading.configs().digest())) {
            throw modified();
        }
        try {
            AtomicFile.replace(file, content, MODE_OF_NEW);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unable to write '" + file + "'");
        } finally {
            cached = null;
        }
    }

    private StorageException told(StorageId id, StorageException e) {
        return new StorageException(
                e.error(),
                Outcome.UNKNOWN,
                e.getMessage() + " (" + file + " is as it was, but the plugin of storage '" + id
                        + "' was told of the change already)",
                e);
    }
}

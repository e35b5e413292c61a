package dev.tenon.core.journal;

import dev.tenon.core.linux.ProcessIdentity;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * An operation in the journal.
 *
 * @param id tells it from all others
 * @param operation what is done: the word of a {@link Mutation}, or one that another build wrote
 * @param storage the id of the storage
 * @param type its type
 * @param parameters what it was called with, by name
 * @param witness what was there before
 * @param process who runs it, null if the file does not tell
 * @param started null if the file does not tell
 * @param problem what it failed with, if that left its effect unknown; null if it did not
 * @param isComplete whether the entry was written to its end; an operation begins only then
 */
public record JournalEntry(
        String id,
        String operation,
        String storage,
        String type,
        Map<String, String> parameters,
        Map<String, String> witness,
        @Nullable ProcessIdentity process,
        @Nullable Instant started,
        @Nullable String problem,
        boolean isComplete) {
    private static final String VOLUME = "volume";
    private static final String SNAPSHOT = "snapshot";

    public JournalEntry {
        parameters = Map.copyOf(parameters);
        witness = Map.copyOf(witness);
    }

    /** Whether it may still be running. An entry that is not complete and names no process belongs to a dead one. */
    public boolean isRunning() {
        return problem == null && process != null && !process.hasEnded();
    }

    /** Whether it is another call of the same operation, with the same parameters. */
    boolean repeats(JournalEntry other) {
        return !id.equals(other.id)
                && operation.equals(other.operation)
                && isOf(other.storage, other.type)
                && parameters.equals(other.parameters);
    }

    private boolean isOf(String storageId, String storageType) {
        return storage.equals(storageId) && type.equals(storageType);
    }

    /**
     * Whether it is about the volume that the other one, which has ended well, has freed. An image that was to be allocated
     * is known by its name alone, which may be the last part of the volume's.
     */
    boolean isAboutFreed(JournalEntry other) {
        String freed = other.parameters.get(VOLUME);
        if (!other.operation.equals(Mutation.FREE_IMAGE.word()) || freed == null || !isOf(other.storage, other.type)) {
            return false;
        }
        String wanted = operation.equals(Mutation.ALLOC_IMAGE.word()) ? parameters.get("name") : null;
        return freed.equals(parameters.get(VOLUME))
                || (wanted != null && (freed.equals(wanted) || freed.endsWith("/" + wanted)));
    }

    /** For a storage type to explain what it finds. Empty if this build does not know the operation. */
    public Optional<Interruption> asInterruption() {
        return Mutation.ofWord(operation)
                .map(known -> new Interruption(
                        id,
                        known,
                        parameter(VOLUME, VolumeName::new).orElse(null),
                        parameter(SNAPSHOT, SnapshotName::new).orElse(null),
                        parameters,
                        witness));
    }

    private <T> Optional<T> parameter(String name, Function<String, T> parse) {
        try {
            return Optional.ofNullable(parameters.get(name)).map(parse);
        } catch (StorageException e) {
            return Optional.empty();
        }
    }

    /** The operation with all it was called with, for people. */
    @Override
    public String toString() {
        String called = new TreeMap<>(parameters)
                .entrySet().stream()
                        .map(parameter -> parameter.getKey() + "='" + parameter.getValue() + "'")
                        .collect(Collectors.joining(", ", "(", ")"));
        return operation + " of storage '" + storage + "'" + (parameters.isEmpty() ? "" : " " + called);
    }
}

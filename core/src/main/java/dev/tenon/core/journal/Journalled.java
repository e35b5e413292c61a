package dev.tenon.core.journal;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Every operation that changes a storage is in the journal while it runs. One that fails with {@code UNKNOWN} stays there,
 * and so does one that leaves work for later, until that is done. An operation that cannot be written down is not begun.
 *
 * <p>Entries of storages that nobody can examine would stay for ever. So such an entry goes when the same operation ends
 * again, with or without success, and when its volume has been freed.
 */
public final class Journalled implements Decorator {
    private static final Logger LOG = LoggerFactory.getLogger(Journalled.class);

    /**
     * What is written down of an operation.
     *
     * @param parameters the names of its parameters after the storage; nameless ones are not written down
     */
    record Row(Mutation operation, List<String> parameters) {}

    /** The operations, by the methods of the plugin that make them. */
    static final Map<String, Row> OPERATIONS = Map.ofEntries(
            row("allocImage", Mutation.ALLOC_IMAGE, "owner", "format", "name", "size"),
            row("freeImage", Mutation.FREE_IMAGE, "volume", "isBase", "format"),
            row("createBase", Mutation.CREATE_BASE, "volume"),
            row("cloneImage", Mutation.CLONE_IMAGE, "volume", "owner", "snapshot"),
            row("renameVolume", Mutation.RENAME_VOLUME, "volume", "owner", "name"),
            row("resizeVolume", Mutation.RESIZE_VOLUME, "volume", "size", "isRunning", "snapshot"),
            row("snapshotVolume", Mutation.SNAPSHOT_VOLUME, "volume", "snapshot"),
            row("rollback", Mutation.ROLLBACK, "volume", "snapshot"),
            row("deleteSnapshot", Mutation.DELETE_SNAPSHOT, "volume", "snapshot", "isRunning"),
            row("renameSnapshot", Mutation.RENAME_SNAPSHOT, "volume", "snapshot", "to"),
            row("updateAttribute", Mutation.UPDATE_ATTRIBUTE, "volume", "attribute", ""),
            row("importVolume", Mutation.IMPORT_VOLUME, "volume", "format", "base", "allowRename", ""),
            row("pruneBackups", Mutation.PRUNE_BACKUPS, "", "", "isDryRun", ""));

    private static Map.Entry<String, Row> row(String method, Mutation operation, String... parameters) {
        return Map.entry(method, new Row(operation, List.of(parameters)));
    }

    private final Journal journal;
    private final @Nullable Examinable witness;

    /** For this plugin, which tells what is there before an operation, if it can. */
    public Journalled(Journal journal, StoragePlugin plugin) {
        this.journal = journal;
        witness = plugin.examinable().orElse(null);
    }

    @Override
    public @Nullable Object around(Call<?> call, Supplier<@Nullable Object> next) {
        Row row = OPERATIONS.get(call.operation());
        Optional<Storage> storage = call.argument(Storage.class);
        if (row == null || storage.isEmpty()) {
            return next.get();
        }
        Map<String, String> parameters = parameters(row.parameters(), call.arguments());
        if ("true".equals(parameters.get("isDryRun"))) {
            return next.get();
        }
        Journal.Running running = journal.begin(
                row.operation(),
                storage.get().id(),
                storage.get().config().type(),
                parameters,
                witness(storage.get(), call));
        Object answer;
        try {
            answer = next.get();
        } catch (StorageException e) {
            if (e.outcome() == Outcome.UNKNOWN) {
                endedUnknown(running, e.getMessage());
            } else {
                running.ended();
            }
            throw e;
        } catch (RuntimeException | Error e) {
            endedUnknown(running, e.toString());
            throw e;
        }
        if (answer instanceof Optional<?> left && left.orElse(null) instanceof Cleanup cleanup) {
            return Optional.of(ending(running, cleanup));
        }
        endedWell(running);
        return answer;
    }

    private void endedUnknown(Journal.Running running, String problem) {
        running.endedUnknown(problem);
        if (witness == null) {
            settle(running.entry()::repeats);
        }
    }

    private void endedWell(Journal.Running running) {
        running.ended();
        if (witness == null) {
            JournalEntry done = running.entry();
            settle(entry -> done.repeats(entry) || entry.isAboutFreed(done));
        }
    }

    /** The operation has ended, whatever becomes of older entries. */
    private void settle(Predicate<JournalEntry> isSettled) {
        try {
            journal.forgetAll(isSettled);
        } catch (StorageException e) {
            LOG.error("event=journal-entries-left reason=\"{}\"", e.getMessage());
        }
    }

    /** The operation has not ended before the work that it left is done. */
    private Cleanup ending(Journal.Running running, Cleanup cleanup) {
        return () -> {
            try {
                cleanup.run();
            } catch (RuntimeException | Error e) {
                endedUnknown(running, "the work that was left: " + e.getMessage());
                throw e;
            }
            endedWell(running);
        };
    }

    private Map<String, String> witness(Storage storage, Call<?> call) {
        Optional<VolumeName> volume = call.argument(VolumeName.class);
        return witness == null || volume.isEmpty() ? Map.of() : witness.witness(storage, volume.get());
    }

    private static Map<String, String> parameters(List<String> names, List<@Nullable Object> arguments) {
        Map<String, String> parameters = new LinkedHashMap<>();
        for (int i = 0; i < names.size(); i++) {
            Object value = arguments.get(i + 1);
            String text = value == null || names.get(i).isEmpty() ? null : text(value);
            if (text != null) {
                parameters.put(names.get(i), text);
            }
        }
        return parameters;
    }

    private static @Nullable String text(Object value) {
        return switch (value) {
            case ByteSize size -> Long.toString(size.bytes());
            case Format format -> format.word();
            case VolumeAttribute attribute -> attribute.word();
            // Of a transfer it matters what was there before.
            case Transfer transfer ->
                transfer.base() == null ? null : transfer.base().value();
            default -> value.toString();
        };
    }
}

package dev.tenon.core.journal;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Every operation that changes a storage is in the journal while it runs. One that fails with {@code UNKNOWN} stays there,
 * and so does one that leaves work for later, until that is done. An operation that cannot be written down is not begun.
 */
public final class Journalled implements Decorator {
    /** The operations, with the names of their parameters after the storage; nameless ones are not written down. */
    static final Map<String, List<String>> OPERATIONS = Map.ofEntries(
            Map.entry("allocImage", List.of("owner", "format", "name", "size")),
            Map.entry("freeImage", List.of("volume", "isBase", "format")),
            Map.entry("createBase", List.of("volume")),
            Map.entry("cloneImage", List.of("volume", "owner", "snapshot")),
            Map.entry("renameVolume", List.of("volume", "owner", "name")),
            Map.entry("resizeVolume", List.of("volume", "size", "isRunning", "snapshot")),
            Map.entry("snapshotVolume", List.of("volume", "snapshot")),
            Map.entry("rollback", List.of("volume", "snapshot")),
            Map.entry("deleteSnapshot", List.of("volume", "snapshot", "isRunning")),
            Map.entry("renameSnapshot", List.of("volume", "snapshot", "to")),
            Map.entry("updateAttribute", List.of("volume", "attribute", "")),
            Map.entry("importVolume", List.of("volume", "format", "", "allowRename", "")),
            Map.entry("pruneBackups", List.of("", "", "isDryRun", "")));

    private final Journal journal;
    private final @Nullable Examinable witness;

    /** For this plugin, which tells what is there before an operation, if it can. */
    public Journalled(Journal journal, StoragePlugin plugin) {
        this.journal = journal;
        witness = plugin.examinable().orElse(null);
    }

    @Override
    public @Nullable Object around(Call call, Supplier<@Nullable Object> next) {
        List<String> names = OPERATIONS.get(call.operation());
        Optional<Storage> storage = call.argument(Storage.class);
        if (names == null || storage.isEmpty()) {
            return next.get();
        }
        Map<String, String> parameters = parameters(names, call.arguments());
        if ("true".equals(parameters.get("isDryRun"))) {
            return next.get();
        }
        Journal.Running running = journal.begin(
                call.operation(),
                storage.get().id(),
                storage.get().config().type(),
                parameters,
                witness(storage.get(), call));
        Object answer;
        try {
            answer = next.get();
        } catch (StorageException e) {
            if (e.outcome() == Outcome.UNKNOWN) {
                running.endedUnknown(e.getMessage());
            } else {
                running.ended();
            }
            throw e;
        } catch (RuntimeException | Error e) {
            running.endedUnknown(e.toString());
            throw e;
        }
        if (answer instanceof Optional<?> left && left.orElse(null) instanceof Cleanup cleanup) {
            return Optional.of(ending(running, cleanup));
        }
        running.ended();
        return answer;
    }

    /** The operation has not ended before the work that it left is done. */
    private static Cleanup ending(Journal.Running running, Cleanup cleanup) {
        return () -> {
            try {
                cleanup.run();
            } catch (RuntimeException | Error e) {
                running.endedUnknown("the work that was left: " + e.getMessage());
                throw e;
            }
            running.ended();
        };
    }

    private Map<String, String> witness(Storage storage, Call call) {
        Optional<VolumeName> volume = call.argument(VolumeName.class);
        return witness == null || volume.isEmpty() ? Map.of() : witness.witness(storage, volume.get());
    }

    private static Map<String, String> parameters(List<String> names, List<@Nullable Object> arguments) {
        Map<String, String> parameters = new LinkedHashMap<>();
        for (int i = 0; i < names.size(); i++) {
            Object value = arguments.get(i + 1);
            if (value != null && !names.get(i).isEmpty()) {
                parameters.put(names.get(i), text(value));
            }
        }
        return parameters;
    }

    private static String text(Object value) {
        return switch (value) {
            case ByteSize size -> Long.toString(size.bytes());
            case Format format -> format.word();
            case VolumeAttribute attribute -> attribute.word();
            default -> value.toString();
        };
    }
}

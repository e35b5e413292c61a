package dev.tenon.core.decorator;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A call of a storage plugin, which can be made on any.
 *
 * @param <T> what it answers
 */
public final class Call<T extends @Nullable Object> {
    /** What a call does to its storage. */
    public enum Effect {
        /** It changes nothing, so that it can be made as often as wanted, on any plugin. */
        READS,
        /** It may change the storage or this node, or takes something that there is once, such as a stream. */
        CHANGES
    }

    private final String operation;
    private final Effect effect;
    private final @Nullable StorageId storage;
    private final List<@Nullable Object> arguments;
    private final Function<StoragePlugin, T> method;

    Call(String operation, Effect effect, List<@Nullable Object> arguments, Function<StoragePlugin, T> method) {
        this.operation = operation;
        this.effect = effect;
        this.arguments = Collections.unmodifiableList(new ArrayList<>(arguments));
        this.storage = storageOf(this.arguments);
        this.method = method;
    }

    private static @Nullable StorageId storageOf(List<@Nullable Object> arguments) {
        for (Object argument : arguments) {
            switch (argument) {
                case Storage storage -> {
                    return storage.id();
                }
                case StorageId id -> {
                    return id;
                }
                case null, default -> {}
            }
        }
        return null;
    }

    /** The name of the method of {@link StoragePlugin}. */
    public String operation() {
        return operation;
    }

    public Effect effect() {
        return effect;
    }

    /** The storage it is about, null if it is about the type alone. */
    public @Nullable StorageId storage() {
        return storage;
    }

    /** What it is called with, in the order of the method. */
    public List<@Nullable Object> arguments() {
        return arguments;
    }

    /** The first argument of this class, empty if there is none. */
    public <A> Optional<A> argument(Class<A> type) {
        return arguments.stream().filter(type::isInstance).map(type::cast).findFirst();
    }

    /**
     * Makes the call on this plugin.
     *
     * @throws dev.tenon.core.spi.StorageException what the plugin throws
     */
    public T on(StoragePlugin plugin) {
        return method.apply(plugin);
    }

    @Override
    public String toString() {
        return storage == null ? operation : operation + " of storage '" + storage + "'";
    }
}

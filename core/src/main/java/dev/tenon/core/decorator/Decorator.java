package dev.tenon.core.decorator;

import dev.tenon.core.spi.StoragePlugin;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Something that happens around the calls of a storage plugin. */
@FunctionalInterface
public interface Decorator {
    /**
     * Makes a call, or answers in its place.
     *
     * @param call what is called
     * @param next makes the call; what it throws is what the plugin throws
     * @return the answer, of the type of the operation
     */
    @Nullable
    Object around(Call<?> call, Supplier<@Nullable Object> next);

    /** The plugin with these around it, the first outermost. It offers what the plugin does. */
    static StoragePlugin decorate(StoragePlugin plugin, Decorator... decorators) {
        StoragePlugin decorated = plugin;
        for (Decorator decorator : List.of(decorators).reversed()) {
            decorated = new DecoratedPlugin(decorated, decorator);
        }
        return decorated;
    }
}

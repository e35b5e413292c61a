package dev.tenon.core.decorator;

import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.ImageFiles;
import dev.tenon.core.spi.StoragePlugin;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A plugin with a decorator around each of its calls. Abilities beyond calls are the plugin's own. */
final class DecoratedPlugin extends DelegatingPlugin {
    private final StoragePlugin plugin;
    private final Decorator decorator;

    DecoratedPlugin(StoragePlugin plugin, Decorator decorator) {
        this.plugin = plugin;
        this.decorator = decorator;
    }

    @Override
    @SuppressWarnings({"unchecked", "NullAway"}) // a decorator answers with what the call answers with
    protected <T extends @Nullable Object> T make(Call<T> call) {
        return (T) decorator.around(call, () -> call.on(plugin));
    }

    @Override
    public boolean isShared() {
        return plugin.isShared();
    }

    @Override
    public Optional<ImageFiles> imageFiles() {
        return plugin.imageFiles();
    }

    @Override
    public String hostClass() {
        return plugin.hostClass();
    }

    @Override
    public Optional<Examinable> examinable() {
        return plugin.examinable();
    }

    @Override
    public String toString() {
        return plugin.toString();
    }
}

package dev.tenon.core.decorator;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
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
    Object around(Call call, Supplier<@Nullable Object> next);

    /**
     * A call of a storage plugin.
     *
     * @param operation the name of the method of {@link StoragePlugin}
     * @param storage the storage it is about, null if it is about the type alone
     * @param arguments what it is called with, in the order of the method
     */
    record Call(String operation, @Nullable StorageId storage, List<@Nullable Object> arguments) {
        public Call {
            arguments = Collections.unmodifiableList(new ArrayList<>(arguments));
        }

        /** The first argument of this class, empty if there is none. */
        public <T> Optional<T> argument(Class<T> type) {
            return arguments.stream().filter(type::isInstance).map(type::cast).findFirst();
        }

        @Override
        public String toString() {
            return storage == null ? operation : operation + " of storage '" + storage + "'";
        }
    }

    /** The plugin with these around it, the first outermost. It offers what the plugin does. */
    static StoragePlugin decorate(StoragePlugin plugin, Decorator... decorators) {
        StoragePlugin decorated = plugin;
        for (Decorator decorator : List.of(decorators).reversed()) {
            decorated = one(decorated, decorator);
        }
        return decorated;
    }

    private static StoragePlugin one(StoragePlugin plugin, Decorator decorator) {
        return (StoragePlugin) Proxy.newProxyInstance(
                Decorator.class.getClassLoader(), new Class<?>[] {StoragePlugin.class}, (proxy, method, args) -> {
                    if (method.getDeclaringClass() == Object.class) {
                        return method.invoke(plugin, args);
                    }
                    List<@Nullable Object> arguments = args == null ? List.of() : Arrays.asList(args);
                    return decorator.around(
                            new Call(method.getName(), storageOf(arguments), arguments),
                            () -> invoke(plugin, method, args));
                });
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

    private static @Nullable Object invoke(StoragePlugin plugin, Method method, Object @Nullable [] args) {
        try {
            return method.invoke(plugin, args);
        } catch (InvocationTargetException e) {
            switch (e.getCause()) {
                case RuntimeException thrown -> throw thrown;
                case Error thrown -> throw thrown;
                case null, default -> throw new IllegalStateException(e);
            }
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }
}

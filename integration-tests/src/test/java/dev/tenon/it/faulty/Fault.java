package dev.tenon.it.faulty;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A fault in one method of a plugin.
 *
 * @param method of {@link StoragePlugin}
 * @param isInAnswer whether it is in what is answered, else in what is done
 * @param what is wrong, more exactly than the kind says
 */
record Fault(String method, boolean isInAnswer, Kind kind, String what, Behaviour behaviour) {
    private static final long SLOW_MS = 1000;

    /** How the method is made with the fault. */
    @FunctionalInterface
    interface Behaviour {
        @Nullable
        Object make(Called call);
    }

    /**
     * A call.
     *
     * @param later what to do after the next call of the same plugin
     */
    record Called(StoragePlugin plugin, Method method, List<@Nullable Object> args, List<Runnable> later) {
        @Nullable
        Object rightly() {
            try {
                return method.invoke(plugin, args.toArray());
            } catch (InvocationTargetException e) {
                throw e.getCause() instanceof RuntimeException thrown ? thrown : new IllegalStateException(e);
            } catch (IllegalAccessException e) {
                throw new IllegalStateException(e);
            }
        }

        Storage storage() {
            return (Storage) Objects.requireNonNull(args.getFirst());
        }

        /** With the first argument of this class replaced. */
        <A> Called with(Class<A> type, UnaryOperator<A> other) {
            List<@Nullable Object> others = new ArrayList<>(args);
            for (int i = 0; i < others.size(); i++) {
                if (type.isInstance(others.get(i))) {
                    others.set(i, other.apply(type.cast(others.get(i))));
                    break;
                }
            }
            return new Called(plugin, method, others, later);
        }

        /** On another storage of the same name, which has a volume that no other has. */
        Called besides() {
            return with(Storage.class, this::another);
        }

        private Storage another(Storage storage) {
            try {
                Path path = Path.of(storage.config().text("path").orElseThrow() + "-besides");
                boolean isNew = Files.notExists(path);
                Map<String, Object> properties = new TreeMap<>(storage.config().properties());
                properties.put("path", Files.createDirectories(path).toString());
                Storage other = new Storage(
                        storage.id(), new StorageConfig(storage.config().type(), properties));
                if (isNew) {
                    plugin.activateStorage(other, OperationCache.create());
                    plugin.allocImage(other, new Vmid(777), Format.Image.RAW, null, ByteSize.ofKib(7));
                }
                return other;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** The plugin with it. */
    StoragePlugin in(StoragePlugin plugin) {
        return around(plugin, call -> call.method().getName().equals(method) ? behaviour.make(call) : call.rightly());
    }

    /** The plugin with all its calls made so. */
    static StoragePlugin around(StoragePlugin plugin, Behaviour behaviour) {
        List<Runnable> later = new ArrayList<>();
        return (StoragePlugin) Proxy.newProxyInstance(
                Fault.class.getClassLoader(), new Class<?>[] {StoragePlugin.class}, (self, called, args) -> {
                    List<Runnable> due = List.copyOf(later);
                    later.clear();
                    try {
                        return behaviour.make(
                                new Called(plugin, called, args == null ? List.of() : Arrays.asList(args), later));
                    } finally {
                        due.forEach(Runnable::run);
                    }
                });
    }

    // ---- faults that answers and changes have in common

    static Fault lateError(String method, boolean isInAnswer) {
        return new Fault(method, isInAnswer, Kind.LATE_ERROR, "", call -> {
            call.rightly();
            throw new StorageException(StorageError.COMMAND_FAILED, Outcome.UNKNOWN, "it failed in the end");
        });
    }

    static Fault slow(String method, boolean isInAnswer) {
        return new Fault(method, isInAnswer, Kind.SLOW, "", call -> {
            try {
                TimeUnit.MILLISECONDS.sleep(SLOW_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return call.rightly();
        });
    }

    static Fault otherStorage(String method, boolean isInAnswer) {
        return new Fault(
                method,
                isInAnswer,
                Kind.OTHER_STORAGE,
                "",
                call -> call.besides().rightly());
    }

    static Fault otherText(String method, boolean isInAnswer) {
        return new Fault(method, isInAnswer, Kind.OTHER_TEXT, "", call -> {
            try {
                return call.rightly();
            } catch (StorageException e) {
                throw new StorageException(e.error(), e.outcome(), "sorry: " + e.getMessage());
            }
        });
    }

    static Fault otherError(String method, boolean isInAnswer) {
        return new Fault(method, isInAnswer, Kind.OTHER_ERROR, "", call -> {
            try {
                return call.rightly();
            } catch (StorageException e) {
                throw new StorageException(StorageError.INTERNAL, Outcome.UNKNOWN, e.getMessage());
            }
        });
    }

    @Override
    public String toString() {
        return method + ": " + kind.words() + (what.isEmpty() ? "" : " (" + what + ")");
    }
}

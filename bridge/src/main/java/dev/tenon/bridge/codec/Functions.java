package dev.tenon.bridge.codec;

import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Value;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** The functions that calls under way handed to the far side, by number. */
public final class Functions {
    /** The call by which the far side runs one: {@code {"id": number, "args": list}}. */
    public static final String METHOD = "callback";

    private final AtomicLong ids = new AtomicLong();
    private final Map<Long, Function> known = new ConcurrentHashMap<>();

    /** A function that can be handed over. */
    @FunctionalInterface
    public interface Function {
        Value run(List<Value> args);
    }

    /** A function that the far side may run until this is closed. */
    public final class Handle implements AutoCloseable {
        private final long id = ids.incrementAndGet();

        private Handle(Function function) {
            known.put(id, function);
        }

        public long id() {
            return id;
        }

        @Override
        public void close() {
            known.remove(id);
        }
    }

    public Handle hand(Function function) {
        return new Handle(function);
    }

    /**
     * Runs a function for the far side.
     *
     * @throws StorageException {@code BAD_PARAMETER} if it belongs to no call that is under way
     */
    public Value run(Value.Fields params) {
        Function function = params.get("id") instanceof Value.Int(long id) ? known.get(id) : null;
        if (function == null) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "the function " + params.get("id") + " belongs to no call under way");
        }
        return function.run(params.get("args") instanceof Value.Seq(List<Value> args) ? args : List.of());
    }
}

package dev.tenon.bridge.codec;

import dev.tenon.core.spi.TaskLog;
import dev.tenon.proto.Type.Kind;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** How functions that come with a call cross: by number. The called side may run them while the call runs. */
public final class Callbacks {
    private Callbacks() {}

    /** Adds the types that are functions. */
    public static Types addedTo(Types types) {
        return types.with(
                        Runnable.class,
                        claims -> new Callback<>(
                                claims.take(Kind.CALLBACK),
                                Runnable.class,
                                work -> args -> work.run(),
                                far -> () -> far.accept(List.of())))
                .with(
                        TaskLog.class,
                        claims -> new Callback<>(
                                claims.take(Kind.CALLBACK),
                                TaskLog.class,
                                log -> args -> log.log(level(word(args, 0)), word(args, 1)),
                                far -> (level, line) -> far.accept(line(level, line))));
    }

    /** What the far side runs to write into a log of this one. */
    public static Functions.Function of(TaskLog log) {
        return args -> {
            log.log(level(word(args, 0)), word(args, 1));
            return Nil.NIL;
        };
    }

    /** A log of the far side, by the number of the function that writes into it. */
    public static TaskLog log(Caller caller, long function) {
        return (level, line) -> caller.run(function, line(level, line));
    }

    private static List<Value> line(TaskLog.Level level, String line) {
        return List.of(Value.ofText(level.name().toLowerCase(Locale.ROOT)), Value.ofText(line));
    }

    private static String word(List<Value> args, int index) {
        return index < args.size() && args.get(index) instanceof Value.Text(String word) ? word : "";
    }

    private static TaskLog.Level level(String word) {
        return switch (word) {
            case "warn" -> TaskLog.Level.WARN;
            case "err" -> TaskLog.Level.ERR;
            default -> TaskLog.Level.INFO;
        };
    }

    /**
     * A function of this type.
     *
     * @param near what runs it with what the far side gave
     * @param far makes it of what runs it there
     */
    private record Callback<T>(
            String name, Class<T> type, Function<T, Consumer<List<Value>>> near, Function<Consumer<List<Value>>, T> far)
            implements Part {
        @Override
        public void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call) {
            Consumer<List<Value>> function = near.apply(type.cast(Objects.requireNonNull(plain, name)));
            entries.put(name, new Int(call.hand(args -> {
                function.accept(args);
                return Nil.NIL;
            })));
        }

        /** One that did not come does nothing. */
        @Override
        public Object read(Fields fields, Incoming call) {
            if (fields.get(name) instanceof Nil) {
                return far.apply(args -> {});
            }
            long number = Codec.INTEGER.read(fields.get(name));
            return far.apply(args -> call.caller().run(number, args));
        }
    }
}

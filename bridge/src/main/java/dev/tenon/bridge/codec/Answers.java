package dev.tenon.bridge.codec;

import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Method;
import dev.tenon.proto.Method.Param;
import dev.tenon.proto.Method.Result;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How the shapes of answers cross. */
final class Answers {
    private static final Logger LOG = LoggerFactory.getLogger(Answers.class);

    private Answers() {}

    static Answering bind(Method row, Type java, Types types) {
        return switch (row.result()) {
            case Result ignored when java == void.class -> new Nothing();
            case Result.None() -> throw new IllegalStateException(row.name() + " answers nothing, and in Java " + java);
            case Result.Single(dev.tenon.proto.Type type)
            when isOptional(java) -> new Maybe(types.codec(argument(java), type));
            case Result.Single(dev.tenon.proto.Type type) -> new Single(types.codec(java, type));
            case Result.Tuple(List<Param> fields, String ignored) -> new Tuple(Entries.all(row, java, fields, types));
            case Result.Records(String name, List<Param> fields, boolean ignored) ->
                new Listing(Entries.some(row.name() + ", " + name, argument(java), fields, types));
        };
    }

    private static boolean isOptional(Type java) {
        return java instanceof ParameterizedType type && type.getRawType() == Optional.class;
    }

    private static Type argument(Type java) {
        return ((ParameterizedType) java).getActualTypeArguments()[0];
    }

    private record Nothing() implements Answering {
        @Override
        public Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call) {
            return Nil.NIL;
        }

        @Override
        public @Nullable Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
            return null;
        }
    }

    private record Maybe(Codec<Object> codec) implements Answering {
        @Override
        public Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call) {
            return answer instanceof Optional<?> some && some.isPresent() ? codec.write(some.get()) : Nil.NIL;
        }

        @Override
        public Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
            return answer instanceof Nil ? Optional.empty() : Optional.of(codec.read(answer));
        }
    }

    private record Single(Codec<Object> codec) implements Answering {
        @Override
        public Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call) {
            return answer == null ? Nil.NIL : codec.write(answer);
        }

        @Override
        public Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
            return codec.read(answer);
        }
    }

    private record Tuple(Entries record) implements Answering {
        @Override
        public Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call) {
            return record.write(answer);
        }

        @Override
        public @Nullable Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
            return record.read(answer);
        }
    }

    private record Listing(Entries record) implements Answering {
        @Override
        public Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call) {
            List<Value> records = new ArrayList<>();
            if (answer instanceof Iterable<?> items) {
                items.forEach(item -> records.add(record.write(item)));
            }
            return new Seq(records);
        }

        /** One entry with a name that leads elsewhere must not hide all the others. */
        @Override
        public Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
            List<Object> items = new ArrayList<>();
            Consumer<Value> reading = item -> {
                try {
                    Object plain = record.read(item);
                    if (plain != null) {
                        items.add(plain);
                    }
                } catch (StorageException e) {
                    LOG.warn("event=entry-left-out reason=\"{}\"", e.getMessage());
                }
            };
            if (answer instanceof Seq(List<Value> records)) {
                records.forEach(reading);
            }
            return items;
        }
    }

    /** A map of fields. */
    private record Entries(Part part, Map<String, Value> blank) {
        private static final Outgoing NO_CALL = new Outgoing(new Functions(), token -> {});
        private static final Incoming NO_CALLER = new Incoming(Value.fields(), Caller.NONE);

        /** With nil for every field of which nothing is known. */
        static Entries all(Method row, Type java, List<Param> fields, Types types) {
            Map<String, Value> blank = new LinkedHashMap<>();
            fields.forEach(field -> blank.put(field.name(), Nil.NIL));
            return new Entries(new Claims(row.name(), types, fields).bind(java), blank);
        }

        /** With the fields alone of which something is known. */
        static Entries some(String where, Type java, List<Param> fields, Types types) {
            return new Entries(new Claims(where, types, fields).bind(java), Map.of());
        }

        Value write(@Nullable Object plain) {
            Map<String, Value> entries = new LinkedHashMap<>(blank);
            part.write(plain, entries, NO_CALL);
            return new Fields(entries);
        }

        @Nullable
        Object read(Value value) {
            return part.read(Codec.fields(value), NO_CALLER);
        }
    }
}

package dev.tenon.bridge.codec;

import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.ListWriter;
import dev.tenon.proto.Method;
import dev.tenon.proto.Method.Param;
import dev.tenon.proto.Method.Result;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How the shapes of answers cross. */
final class Answers {
    /** A list of at least this many records is written as bytes at once. */
    private static final int MANY = 16;

    private static final Logger LOG = LoggerFactory.getLogger(Answers.class);

    private Answers() {}

    static Answering bind(Method row, Type java, Types types) {
        return switch (row.result()) {
            case Result ignored when java == void.class -> new Nothing();
            case Result.None() ->
                throw new IllegalStateException(row.name() + " has no result, but the Java method returns " + java);
            case Result.Single(dev.tenon.proto.Type type)
            when isOptional(java) -> new Maybe(types.codec(argument(java), type));
            case Result.Single(dev.tenon.proto.Type type) -> new Single(types.codec(java, type));
            case Result.Tuple(List<Param> fields, String ignored) -> new Tuple(Entries.all(row, java, fields, types));
            case Result.Records(String name, List<Param> fields, boolean ignored) ->
                Listing.bind(row.name() + ", " + name, argument(java), fields, types);
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
        public @Nullable Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
            return answer instanceof Nil ? codec.absent() : codec.read(answer);
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

    /** A list of records. One that came is typed when somebody looks, and passed on as it came. */
    private record Listing(Entries record, List<Strict> strict) implements Answering {
        /** A field whose text may break the rules that its Java type has. */
        private record Strict(String field, Codec<Object> codec) {}

        static Listing bind(String where, Type java, List<Param> fields, Types types) {
            List<Strict> strict = fields.stream()
                    .flatMap(field -> types.strict(field.type()).map(codec -> new Strict(field.name(), codec)).stream())
                    .toList();
            return new Listing(Entries.some(where, java, fields, types), strict);
        }

        @Override
        public Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call) {
            if (answer instanceof Passed passed && passed.record.equals(record)) {
                return passed.source;
            }
            if (!(answer instanceof Collection<?> items)) {
                return new Seq(List.of());
            }
            if (items.size() < MANY) {
                return new Seq(items.stream().map(record::write).toList());
            }
            ListWriter writer = new ListWriter();
            Map<String, Value> entries = new LinkedHashMap<>();
            int left = items.size();
            for (Object item : items) {
                left--;
                record.write(item, entries);
                writer.add(entries, left);
                entries.clear();
            }
            return writer.finish();
        }

        @Override
        public Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
            if (!(answer instanceof Seq records)) {
                return List.of();
            }
            BitSet bad = new BitSet();
            for (Strict field : strict) {
                records.eachText(field.field, new Looking(field.codec, bad));
            }
            return new Passed(record, bad.isEmpty() ? records : without(records.items(), bad));
        }

        private static Seq without(List<Value> records, BitSet bad) {
            List<Value> good = new ArrayList<>();
            int number = 0;
            for (Value item : records) {
                if (!bad.get(number++)) {
                    good.add(item);
                }
            }
            return new Seq(good);
        }
    }

    /**
     * Notes the entries with a text that breaks its type's rules: a name that leads elsewhere must not hide all others.
     */
    private static final class Looking implements Value.TextOf {
        private final Codec<Object> codec;
        private final BitSet bad;
        private String lastGood = "";

        Looking(Codec<Object> codec, BitSet bad) {
            this.codec = codec;
            this.bad = bad;
        }

        @Override
        public void text(int number, @Nullable String text) {
            if (text == null || (lastGood.equals(text) && !text.isEmpty())) {
                return;
            }
            try {
                var _ = codec.read(new Value.Text(text));
                lastGood = text;
            } catch (StorageException e) {
                LOG.warn("event=entry-left-out reason=\"{}\"", e.getMessage());
                bad.set(number);
            }
        }
    }

    /** A list that was received. Its records become Java values when somebody looks at them. */
    private static final class Passed extends AbstractList<Object> {
        private final Entries record;
        private final Seq source;
        private List<Object> looked = List.of();

        Passed(Entries record, Seq source) {
            this.record = record;
            this.source = source;
        }

        @Override
        public int size() {
            return source.items().size();
        }

        /** A caller that asks for one entry soon asks for others. */
        @Override
        public Object get(int index) {
            if (looked.isEmpty()) {
                looked = List.copyOf(this);
            }
            return looked.get(index);
        }

        @Override
        public Iterator<Object> iterator() {
            Iterator<Value> items = source.items().iterator();
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return items.hasNext();
                }

                @Override
                public Object next() {
                    return Objects.requireNonNull(record.read(items.next()));
                }
            };
        }

        @Override
        public Object[] toArray() {
            List<Object> all = new ArrayList<>(size());
            iterator().forEachRemaining(all::add);
            return all.toArray();
        }
    }

    /** A map of fields. */
    private record Entries(Part part, Map<String, Value> blank) {
        /** Writes nil for every field that has no value. */
        static Entries all(Method row, Type java, List<Param> fields, Types types) {
            Map<String, Value> blank = new LinkedHashMap<>();
            fields.forEach(field -> blank.put(field.name(), Nil.NIL));
            return new Entries(new Claims(row.name(), types, fields).bind(java), blank);
        }

        /** Writes only the fields that have a value. */
        static Entries some(String where, Type java, List<Param> fields, Types types) {
            return new Entries(new Claims(where, types, fields).bind(java), Map.of());
        }

        Value write(@Nullable Object plain) {
            Map<String, Value> entries = new LinkedHashMap<>();
            write(plain, entries);
            return new Fields(entries);
        }

        void write(@Nullable Object plain, Map<String, Value> entries) {
            entries.putAll(blank);
            part.write(plain, entries, Outgoing.NONE);
        }

        @Nullable
        Object read(Value value) {
            return part.read(Codec.fields(value), Incoming.NONE);
        }
    }
}

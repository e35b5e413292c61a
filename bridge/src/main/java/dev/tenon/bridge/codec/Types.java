package dev.tenon.bridge.codec;

import dev.tenon.proto.Method;
import dev.tenon.proto.Method.Param;
import dev.tenon.proto.Type.Kind;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Nil;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How the Java types of an API cross. Names are never said here: a value of a Java type takes the next entry of the table
 * whose type fits, a record takes one for each of its components. What does not fit is a defect that shows when the API is
 * bound.
 */
public final class Types {
    private static final Set<Kind> WITH_GRAMMAR = EnumSet.of(Kind.VOLID, Kind.VOLNAME, Kind.SNAPNAME, Kind.FORMAT);

    private record Shape(Kind kind, boolean list) {}

    private final Map<Type, Map<Shape, Codec<Object>>> codecs = new HashMap<>();
    private final Map<Type, Function<Claims, Part>> parts = new HashMap<>();
    private final Map<Type, Function<Method, Answering>> answers = new HashMap<>();

    /** Text, numbers, truth and trees, whatever the API. */
    public static Types plain() {
        return new Types()
                .with(String.class, Codec.TEXT, Kind.STR, Kind.CHARS, Kind.PATH, Kind.CONTENTTYPE)
                .with(long.class, Codec.INTEGER.orElse(() -> 0L), Kind.UINT)
                .with(Long.class, Codec.INTEGER, Kind.UINT)
                .with(boolean.class, Codec.FLAG.orElse(() -> false), Kind.BOOL, Kind.SNAPSHOTS)
                .with(Boolean.class, Codec.FLAG, Kind.BOOL)
                .with(new TypeOf<Map<String, Object>>() {}, Codec.TREE, Kind.TREE, Kind.SECTION)
                .with(new TypeOf<Map<String, Object>>() {}, Codec.JSON, Kind.JSON)
                .withList(new TypeOf<List<String>>() {}, Codec.TEXT.list(), Kind.STR);
    }

    /** A Java type that is one value of the table, of one of these types. */
    public <T> Types with(Class<T> type, Codec<T> codec, Kind... kinds) {
        return put(type, codec, false, kinds);
    }

    public <T> Types with(TypeOf<T> type, Codec<T> codec, Kind... kinds) {
        return put(type.type(), codec, false, kinds);
    }

    /** A Java type that is a list of the table, of elements of one of these types. */
    public <T> Types withList(TypeOf<T> type, Codec<T> codec, Kind... kinds) {
        return put(type.type(), codec, true, kinds);
    }

    /**
     * A record that is a map in a tree.
     *
     * @param keys those of its components in their order; one named {@code other} has none
     */
    public <R extends Record> Codec<R> tree(Class<R> type, String... keys) {
        dev.tenon.proto.Type any = new dev.tenon.proto.Type(Kind.TREE, false, true);
        List<Param> entries = Arrays.stream(keys)
                .map(key -> new Param(key, any, null, null, false, false))
                .toList();
        Part part = RecordPart.bind(type, new Claims(type.getSimpleName(), this, entries));
        return Codec.of(
                record -> {
                    Map<String, Value> tree = new LinkedHashMap<>();
                    part.write(record, tree, Outgoing.NONE);
                    return new Fields(tree);
                },
                value -> type.cast(Objects.requireNonNull(
                        part.read(value instanceof Fields tree ? tree : Value.fields(), Incoming.NONE))));
    }

    /** A Java type that is several entries of the table, or is not made of what crosses alone. */
    public Types with(Class<?> type, Function<Claims, Part> part) {
        parts.put(type, part);
        return this;
    }

    public Types with(TypeOf<?> type, Function<Claims, Part> part) {
        parts.put(type.type(), part);
        return this;
    }

    /** A Java type that crosses as a record with a component for each field. */
    public <T, R extends Record> Types as(Class<T> type, Class<R> record, Function<T, R> to, Function<R, T> from) {
        return with(type, claims -> new Part() {
            private final Part part = claims.bind(record);

            @Override
            public void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call) {
                part.write(plain == null ? null : to.apply(type.cast(plain)), entries, call);
            }

            @Override
            public @Nullable Object read(Fields fields, Incoming call) {
                return from.apply(record.cast(Objects.requireNonNull(part.read(fields, call))));
            }
        });
    }

    /** A Java type that answers a row in its own way. */
    public Types answering(TypeOf<?> type, Function<Method, Answering> answering) {
        answers.put(type.type(), answering);
        return this;
    }

    /** How a row would be answered with this type. */
    public Answering answering(Method row, TypeOf<?> type) {
        return answering(row, type.type());
    }

    Answering answering(Method row, Type java) {
        Function<Method, Answering> own = answers.get(java);
        return own == null ? Answers.bind(row, java, this) : own.apply(row);
    }

    @SuppressWarnings("unchecked") // it gets nothing but values of its type
    private Types put(Type type, Codec<?> codec, boolean list, Kind... kinds) {
        Arrays.stream(kinds)
                .forEach(kind -> codecs.computeIfAbsent(type, each -> new HashMap<>())
                        .put(new Shape(kind, list), (Codec<Object>) codec));
        return this;
    }

    /** How a value of this Java type crosses as this type of the table. */
    Codec<Object> codec(Type java, dev.tenon.proto.Type type) {
        Codec<Object> codec = find(java, type);
        if (codec == null) {
            throw new IllegalStateException("nothing says how " + java.getTypeName() + " crosses as " + type);
        }
        return codec;
    }

    private @Nullable Codec<Object> find(Type java, dev.tenon.proto.Type type) {
        return codecs.getOrDefault(java, Map.of()).get(new Shape(type.kind(), type.list()));
    }

    /** The codec that checks a text by the rules of its Java type, which are stricter than those of the table. */
    Optional<Codec<Object>> strict(dev.tenon.proto.Type type) {
        return WITH_GRAMMAR.contains(type.kind())
                ? codecs.entrySet().stream()
                        .filter(entry -> entry.getKey() != String.class)
                        .map(entry -> entry.getValue().get(new Shape(type.kind(), type.list())))
                        .filter(Objects::nonNull)
                        .findFirst()
                : Optional.empty();
    }

    Part bind(Type java, Claims claims) {
        Function<Claims, Part> part = parts.get(java);
        if (part != null) {
            return part.apply(claims);
        }
        if (!codecs.containsKey(java) && java instanceof Class<?> type && type.isRecord()) {
            return RecordPart.bind(type, claims);
        }
        if (java == OptionalLong.class) {
            return new Perhaps(
                    bind(Long.class, claims),
                    some -> some instanceof OptionalLong number && number.isPresent() ? number.getAsLong() : null,
                    some -> some instanceof Long number ? OptionalLong.of(number) : OptionalLong.empty());
        }
        if (java instanceof ParameterizedType type && type.getRawType() == Optional.class) {
            return new Perhaps(
                    bind(type.getActualTypeArguments()[0], claims),
                    some -> some instanceof Optional<?> value ? value.orElse(null) : null,
                    Optional::ofNullable);
        }
        Param param = claims.take(java.getTypeName(), candidate -> find(java, candidate.type()) != null);
        return new Entry(param, codec(java, param.type()));
    }

    /** Entries that may be missing, in Java an {@code Optional} of some kind. */
    private record Perhaps(
            Part part, Function<@Nullable Object, @Nullable Object> to, Function<@Nullable Object, Object> from)
            implements Part {
        @Override
        public void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call) {
            part.write(to.apply(plain), entries, call);
        }

        @Override
        public Object read(Fields fields, Incoming call) {
            return from.apply(part.read(fields, call));
        }
    }

    /** One entry. */
    private record Entry(Param param, Codec<Object> codec) implements Part {
        @Override
        public void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call) {
            // The name of a backup may say a day before 1970, although nobody made one then.
            boolean isNegative = plain instanceof Long number && number < 0;
            if (plain != null && !(isNegative && param.type().nullable())) {
                Value value = isNegative ? new Value.Int(0) : codec.write(plain);
                if (value != Nil.NIL) {
                    entries.put(param.name(), value);
                }
            }
        }

        @Override
        public @Nullable Object read(Fields fields, Incoming call) {
            Value value = fields.get(param.name());
            return value instanceof Nil ? codec.absent() : codec.read(value);
        }
    }
}

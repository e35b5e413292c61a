package dev.tenon.bridge.codec;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.Value.Text;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * How a value crosses, both ways. What is read has been checked against the table, and is not nil.
 *
 * @param <T> what it is in Java
 */
public interface Codec<T> {
    Codec<String> TEXT = of(Text::new, value -> switch (value) {
        case Text(String text) -> text;
        case Value other -> throw odd("text", other);
    });

    Codec<Long> INTEGER = of(Int::new, value -> switch (value) {
        case Int(long number) -> number;
        case Value other -> throw odd("an integer", other);
    });

    Codec<Boolean> FLAG = of(Bool::new, value -> value.equals(new Bool(true)));

    /** Maps, lists and text. */
    Codec<Map<String, Object>> TREE = Codec.<Map<String, Object>>of(
                    Trees::toValue, value -> Trees.map(Trees.toJava(value)))
            .orElse(LinkedHashMap::new);

    /** Maps, lists and text, and also numbers and truth values. */
    Codec<Map<String, Object>> JSON = Codec.<Map<String, Object>>of(
                    Trees::jsonToValue, value -> Trees.map(Trees.jsonToJava(value)))
            .orElse(LinkedHashMap::new);

    Codec<Map<String, Long>> COUNTS = INTEGER.mapped(Function.identity(), Function.identity());

    Value write(T plain);

    T read(Value value);

    /** What replaces a value that did not come; null if nothing does. */
    default @Nullable T absent() {
        return null;
    }

    /** The same, with this in place of a value that did not come. */
    default Codec<T> orElse(Supplier<T> absent) {
        Codec<T> codec = this;
        return new Codec<>() {
            @Override
            public Value write(T plain) {
                return codec.write(plain);
            }

            @Override
            public T read(Value value) {
                return codec.read(value);
            }

            @Override
            public T absent() {
                return absent.get();
            }
        };
    }

    /** The same, with {@code Optional} for what may be nil. */
    default Codec<Optional<T>> optional() {
        return Codec.<Optional<T>>of(plain -> plain.map(this::write).orElse(Nil.NIL), value -> Optional.of(read(value)))
                .orElse(Optional::empty);
    }

    static <T> Codec<T> of(Function<T, Value> write, Function<Value, T> read) {
        return new Codec<>() {
            @Override
            public Value write(T plain) {
                return write.apply(plain);
            }

            @Override
            public T read(Value value) {
                return read.apply(value);
            }
        };
    }

    /** A codec of values that are converted before they cross. */
    default <S> Codec<S> as(Function<S, T> to, Function<T, S> from) {
        return of(plain -> write(to.apply(plain)), value -> from.apply(read(value)));
    }

    /**
     * A codec of words.
     *
     * @param unknown what is thrown for a word that this release does not know
     */
    static <T> Codec<T> word(
            Function<T, String> word,
            Function<String, Optional<T>> ofWord,
            Function<String, StorageException> unknown) {
        return TEXT.as(word, text -> ofWord.apply(text).orElseThrow(() -> unknown.apply(text)));
    }

    /** A codec of sets of words; words that this release does not know are left out. */
    static <T> Codec<Set<T>> words(Function<T, String> word, Function<String, Optional<T>> ofWord) {
        return TEXT.list().as(set -> set.stream().map(word).toList(), words -> {
            Set<T> set = new LinkedHashSet<>();
            words.forEach(text -> ofWord.apply(text).ifPresent(set::add));
            return set;
        });
    }

    /** A codec of lists of these values. */
    default Codec<List<T>> list() {
        return of(items -> new Seq(items.stream().map(this::write).toList()), value -> switch (value) {
            case Seq(List<Value> items) -> items.stream().map(this::read).toList();
            case Value other -> throw odd("a list", other);
        });
    }

    /** A codec of maps of these values. */
    default <K> Codec<Map<K, T>> mapped(Function<K, String> name, Function<String, K> ofName) {
        return of(
                values -> {
                    Map<String, Value> entries = new LinkedHashMap<>();
                    values.forEach((key, each) -> entries.put(name.apply(key), write(each)));
                    return new Fields(entries);
                },
                value -> {
                    Map<K, T> values = new LinkedHashMap<>();
                    fields(value).entries().forEach((key, each) -> {
                        T plain = each instanceof Nil ? absent() : read(each);
                        if (plain != null) {
                            values.put(ofName.apply(key), plain);
                        }
                    });
                    return values;
                });
    }

    static Fields fields(Value value) {
        if (value instanceof Fields fields) {
            return fields;
        }
        throw odd("a map", value);
    }

    private static StorageException odd(String wanted, Value got) {
        return new StorageException(
                StorageError.BAD_RESULT,
                Outcome.UNKNOWN,
                "the far side answered with " + got.kind() + ", where " + wanted + " belongs");
    }
}

package dev.tenon.bridge.codec;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.Value.Text;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * How a value that is there crosses, both ways. What is read has been checked against the table.
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
    Codec<Map<String, Object>> TREE = of(Trees::toValue, value -> Trees.map(Trees.toJava(value)));

    /** Also numbers and truth values. */
    Codec<Map<String, Object>> JSON = of(Trees::jsonToValue, value -> Trees.map(Trees.jsonToJava(value)));

    Codec<Map<String, Long>> COUNTS = of(
            counts -> {
                Map<String, Value> entries = new LinkedHashMap<>();
                counts.forEach((name, number) -> entries.put(name, new Int(number)));
                return new Fields(entries);
            },
            value -> {
                Map<String, Long> counts = new LinkedHashMap<>();
                fields(value).entries().forEach((name, number) -> counts.put(name, INTEGER.read(number)));
                return counts;
            });

    Value write(T plain);

    T read(Value value);

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

    /** What crosses as this does, after it is made such a value. */
    default <S> Codec<S> as(Function<S, T> to, Function<T, S> from) {
        return of(plain -> write(to.apply(plain)), value -> from.apply(read(value)));
    }

    /** A list of such. */
    default Codec<List<T>> list() {
        return of(items -> new Seq(items.stream().map(this::write).toList()), value -> switch (value) {
            case Seq(List<Value> items) -> items.stream().map(this::read).toList();
            case Value other -> throw odd("a list", other);
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

package dev.tenon.bridge.codec;

import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A Java value as entries of a map: an argument as one or several parameters, a record as its fields. */
public interface Part {
    /** Puts the entries in; what is null is left out. */
    void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call);

    @Nullable
    Object read(Fields fields, Incoming call);

    /** A part of values of this type, never null. */
    static <T> Part of(Class<T> type, BiConsumer<T, Map<String, Value>> write, Function<Fields, T> read) {
        return new Part() {
            @Override
            public void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call) {
                if (plain != null) {
                    write.accept(type.cast(plain), entries);
                }
            }

            @Override
            public Object read(Fields fields, Incoming call) {
                return read.apply(fields);
            }
        };
    }
}

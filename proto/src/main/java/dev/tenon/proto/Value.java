package dev.tenon.proto;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A value on the wire. nil, a missing entry and an empty text are three different things. */
public sealed interface Value {

    /** Perl's undef. */
    enum Nil implements Value {
        NIL
    }

    record Bool(boolean value) implements Value {}

    record Int(long value) implements Value {}

    record Real(double value) implements Value {}

    record Text(String value) implements Value {}

    /** Bytes that are no text, or not known to be. */
    final class Bytes implements Value {
        private final byte[] bytes;

        public Bytes(byte[] bytes) {
            this.bytes = bytes.clone();
        }

        public byte[] bytes() {
            return bytes.clone();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Bytes that && Arrays.equals(bytes, that.bytes);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(bytes);
        }

        @Override
        public String toString() {
            return "Bytes[" + bytes.length + "]";
        }
    }

    /** Receives the text of an element of a list. */
    @FunctionalInterface
    interface TextOf {
        /**
         * Of one element.
         *
         * @param number that of the element, from 0
         * @param text null if it has no such text
         */
        void text(int number, @Nullable String text);
    }

    record Seq(List<Value> items) implements Value {
        public Seq {
            items = items instanceof EncodedList ? items : List.copyOf(items);
        }

        /** Passes on the text that each element has under a name if it is a map, in order. */
        public void eachText(String name, TextOf visitor) {
            if (items instanceof EncodedList encoded) {
                encoded.eachText(name, visitor);
                return;
            }
            int number = 0;
            for (Value item : items) {
                boolean isText = item instanceof Fields fields && fields.get(name) instanceof Text;
                visitor.text(number++, isText ? ((Text) ((Fields) item).get(name)).value() : null);
            }
        }
    }

    /** A map with text keys, in the order it was built or read. */
    record Fields(Map<String, Value> entries) implements Value {
        public Fields {
            entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
        }

        /** The entry, {@link Nil} if it is missing. */
        public Value get(String key) {
            return entries.getOrDefault(key, Nil.NIL);
        }
    }

    static Value ofText(String text) {
        return new Text(text);
    }

    static Fields fields() {
        return new Fields(Map.of());
    }

    static Fields fields(String name, Value value) {
        return new Fields(Map.of(name, value));
    }

    static Fields fields(String first, Value firstValue, String second, Value secondValue) {
        return new Fields(Map.of(first, firstValue, second, secondValue));
    }

    /** What kind of value this is, for messages. */
    default String kind() {
        return switch (this) {
            case Nil ignored -> "nil";
            case Bool ignored -> "a boolean";
            case Int ignored -> "an integer";
            case Real ignored -> "a fraction";
            case Text ignored -> "text";
            case Bytes ignored -> "bytes";
            case Seq ignored -> "a list";
            case Fields ignored -> "a map";
        };
    }
}

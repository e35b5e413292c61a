package dev.tenon.proto;

import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.Value.Text;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A type of the method table, written {@code uint}, {@code uint?} or {@code list<volid>?}.
 *
 * @param kind what a value, or an element of the list, is
 * @param list whether it is a list of such values
 * @param nullable whether nil is allowed
 */
public record Type(Kind kind, boolean list, boolean nullable) {

    /** What a value may be, under the names of the table. */
    public enum Kind {
        BOOL("a boolean"),
        BYTES("bytes"),
        CACHE("text"),
        CALLBACK("an integer 0 .. 2^63-1"),
        CHARS("text"),
        CLEANUP("text"),
        CONTENTTYPE("text"),
        COUNTS("a map of integers"),
        DISKS("a map of maps"),
        FORMAT("text"),
        HINTS("a map of integers"),
        JSON("maps, lists, text, integers and booleans"),
        KIB("an integer 0 .. 2^53"),
        PATH("text"),
        PROVIDER("text"),
        SECONDS("an integer 0 .. 2^31"),
        SECRETS("a map of text"),
        SECTION("a map of text"),
        SNAPNAME("text"),
        SNAPSHOTS("a boolean or a list of text"),
        STOREID("text"),
        STR("text"),
        STREAM("text"),
        TREE("maps, lists and text"),
        UINT("an integer 0 .. 2^63-1"),
        VMID("an integer 0 .. 999999999"),
        VOLID("text"),
        VOLNAME("text");

        private final String shape;

        Kind(String shape) {
            this.shape = shape;
        }

        /** The name in the table. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        private boolean accepts(Value value) {
            return switch (this) {
                case BOOL -> value instanceof Bool;
                case BYTES -> value instanceof Value.Bytes;
                case CACHE,
                        CHARS,
                        CLEANUP,
                        CONTENTTYPE,
                        FORMAT,
                        PATH,
                        PROVIDER,
                        SNAPNAME,
                        STOREID,
                        STR,
                        STREAM,
                        VOLID,
                        VOLNAME -> value instanceof Text;
                case COUNTS, HINTS ->
                    value instanceof Fields(Map<String, Value> entries)
                            && entries.values().stream().allMatch(entry -> entry instanceof Int);
                case DISKS ->
                    value instanceof Fields(Map<String, Value> entries)
                            && entries.values().stream().allMatch(entry -> entry instanceof Fields && isJson(entry));
                case JSON -> isJson(value);
                case SECRETS ->
                    value instanceof Fields(Map<String, Value> entries)
                            && entries.values().stream()
                                    .allMatch(entry -> entry instanceof Text || entry instanceof Nil);
                case SNAPSHOTS ->
                    value instanceof Bool
                            || (value instanceof Seq(List<Value> items)
                                    && items.stream().allMatch(item -> item instanceof Text));
                case SECTION -> value instanceof Fields && isTree(value);
                case TREE -> isTree(value);
                case CALLBACK, KIB, SECONDS, UINT, VMID ->
                    value instanceof Int(long number) && number >= 0 && number <= largest();
            };
        }

        /** The largest integer, -1 if it is something else. */
        long largest() {
            return switch (this) {
                case CALLBACK, UINT -> Long.MAX_VALUE;
                case KIB -> 1L << 53;
                case SECONDS -> 1L << 31;
                case VMID -> 999_999_999;
                default -> -1;
            };
        }

        private static boolean isJson(Value value) {
            return switch (value) {
                case Seq(List<Value> items) -> items.stream().allMatch(Kind::isJson);
                case Fields(Map<String, Value> entries) ->
                    entries.values().stream().allMatch(Kind::isJson);
                case Value.Bytes ignored -> false;
                case Value ignored -> true;
            };
        }

        static boolean isTree(Value value) {
            return switch (value) {
                case Nil ignored -> true;
                case Text ignored -> true;
                case Seq(List<Value> items) -> items.stream().allMatch(Kind::isTree);
                case Fields(Map<String, Value> entries) ->
                    entries.values().stream().allMatch(Kind::isTree);
                case Value ignored -> false;
            };
        }
    }

    static Type parse(String text) {
        boolean nullable = text.endsWith("?");
        String rest = nullable ? text.substring(0, text.length() - 1) : text;
        boolean list = rest.startsWith("list<") && rest.endsWith(">");
        String name = list ? rest.substring("list<".length(), rest.length() - 1) : rest;
        Kind kind = Arrays.stream(Kind.values())
                .filter(candidate -> candidate.word().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the method table names the unknown type '" + text + "'"));
        return new Type(kind, list, nullable);
    }

    /** What is wrong with the value, absent if it is of this type. */
    Optional<String> complaint(Value value) {
        return accepts(value)
                ? Optional.empty()
                : Optional.of("must be " + shape() + ", got " + (value instanceof Nil ? "nil" : shown(value)));
    }

    /** Whether the value is of this type. */
    boolean accepts(Value value) {
        if (value instanceof Nil) {
            return nullable;
        }
        return list
                ? value instanceof Seq(List<Value> items) && items.stream().allMatch(kind::accepts)
                : kind.accepts(value);
    }

    private String shape() {
        return list ? "a list, each element " + kind.shape : kind.shape;
    }

    private static String shown(Value value) {
        return switch (value) {
            case Text(String text) -> "the text '" + printable(text) + "'";
            case Int(long number) -> "the integer " + number;
            case Value.Real(double number) -> "the fraction " + number;
            case Bool(boolean truth) -> "the boolean " + truth;
            case Value other -> other.kind();
        };
    }

    private static String printable(String text) {
        String shown = text.replaceAll("\\p{Cntrl}", "?");
        return shown.length() > 80 ? shown.substring(0, 80) + "..." : shown;
    }

    @Override
    public String toString() {
        return (list ? "list<" + kind.word() + ">" : kind.word()) + (nullable ? "?" : "");
    }
}

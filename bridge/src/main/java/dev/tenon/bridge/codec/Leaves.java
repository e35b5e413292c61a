package dev.tenon.bridge.codec;

import dev.tenon.proto.Type.Kind;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.ToLongFunction;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the records in trees are made of (see {@link Types#tree}). Plugins write trees as they like: a number is text, a set
 * is a map whose values are true, and what cannot be read counts as missing. What is null or false is left out.
 */
public final class Leaves {
    private static final Pattern WHOLE_NUMBER = Pattern.compile("^[0-9]{1,18}(?:\\.[0-9]{1,9})?$");

    private Leaves() {}

    /** Text, numbers, truth, sets and lists. */
    public static Types plain() {
        return new Types()
                .with(String.class, of(text -> text, Object::toString), Kind.TREE)
                .with(Long.class, number(Long::longValue, Long::valueOf), Kind.TREE)
                .with(
                        boolean.class,
                        of(flag -> flag ? "1" : null, Leaves::isTrue).orElse(() -> false),
                        Kind.TREE)
                .with(new TypeOf<Set<String>>() {}, of(Leaves::set, Leaves::words), Kind.TREE)
                .with(
                        new TypeOf<List<Object>>() {},
                        of(list -> list, tree -> tree instanceof List<?> list ? List.copyOf(list) : null),
                        Kind.TREE);
    }

    /** A codec by way of plain Java: maps, lists and text, see {@link Trees}. */
    @SuppressWarnings("NullAway") // what is read is not nil, and what cannot be read is null, which counts as missing
    public static <T> Codec<T> of(Function<T, @Nullable Object> to, Function<Object, @Nullable T> from) {
        return Codec.of(plain -> Trees.toValue(to.apply(plain)), value -> from.apply(Trees.toJava(value)));
    }

    /** A map of these by name, in the order of the names. */
    public static <T> Codec<Map<String, T>> named(Codec<T> codec) {
        return codec.mapped(Function.<String>identity(), Function.identity()).as(TreeMap::new, TreeMap::new);
    }

    /** A number. Times may have fractions. */
    public static <T> Codec<T> number(ToLongFunction<T> to, LongFunction<T> from) {
        return of(
                to::applyAsLong,
                text -> WHOLE_NUMBER.matcher(text.toString()).find()
                        ? from.apply((long) Double.parseDouble(text.toString()))
                        : null);
    }

    /** A set as Perl has it. */
    public static Map<String, Object> set(Set<String> words) {
        Map<String, Object> set = new TreeMap<>();
        words.forEach(word -> set.put(word, "1"));
        return set;
    }

    /** The keys whose values are true in Perl; empty for what is no map. */
    public static Set<String> words(@Nullable Object tree) {
        Set<String> words = new TreeSet<>();
        Trees.map(tree).forEach((key, truth) -> {
            if (isTrue(truth)) {
                words.add(key);
            }
        });
        return words;
    }

    public static boolean isTrue(Object text) {
        return !text.equals("0") && !text.equals("");
    }
}

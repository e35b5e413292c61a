package dev.tenon.bridge.codec;

import dev.tenon.proto.Method;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Nil;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How an answer crosses that is the row's own result, and beside it what the call made of the parameter that it changes in
 * place.
 *
 * @param <R> the row's own result
 * @param <C> the parameter
 * @param <A> the answer, which is both
 * @param result how the result crosses
 * @param changed how the parameter crosses
 * @param before the parameter as it was given
 * @param resultOf the result in an answer, null for none
 * @param after the parameter in an answer, of what it was before
 * @param both makes an answer
 */
public record Changing<R, C, A>(
        Method row,
        Answering result,
        Codec<C> changed,
        Function<List<@Nullable Object>, C> before,
        Function<A, @Nullable R> resultOf,
        BiFunction<A, C, C> after,
        Both<R, C, A> both)
        implements Answering {
    /** Makes an answer. */
    @FunctionalInterface
    public interface Both<R, C, A> {
        A of(R result, C now, C before);
    }

    /** The last argument of this class. */
    public static <T> T given(List<@Nullable Object> arguments, Class<T> type) {
        return arguments.reversed().stream()
                .filter(type::isInstance)
                .map(type::cast)
                .findFirst()
                .orElseThrow();
    }

    @Override
    @SuppressWarnings("unchecked") // it is bound as the answer of such a method
    public Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call) {
        A whole = (A) Objects.requireNonNull(answer);
        C then = before.apply(arguments);
        C now = after.apply(whole, then);
        return row.wrap(
                result.write(resultOf.apply(whole), arguments, call), now.equals(then) ? Nil.NIL : changed.write(now));
    }

    @Override
    @SuppressWarnings("unchecked") // the row says so
    public Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
        C then = before.apply(arguments);
        Method.Answer came = row.unwrap(answer);
        Value now = came.changed().get(row.changeable());
        return both.of(
                (R) Objects.requireNonNull(result.read(came.result(), arguments, call)),
                now instanceof Nil ? then : changed.read(now),
                then);
    }
}

package dev.tenon.bridge.codec;

import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A row of the table and the Java method that it is.
 *
 * @param row the row
 * @param java the method
 * @param arguments how its arguments cross
 * @param filled the lists that the called side fills, which are no arguments in Java
 * @param answering how its answer does
 */
public record TypedMethod(
        dev.tenon.proto.Method row, Method java, List<Part> arguments, List<String> filled, Answering answering) {

    static TypedMethod bind(dev.tenon.proto.Method row, Method java, Types types) {
        Claims claims = new Claims(row.name(), types, row.params());
        List<Part> arguments =
                Arrays.stream(java.getGenericParameterTypes()).map(claims::bind).toList();
        return new TypedMethod(
                row, java, arguments, claims.filled(), types.answering(row, java.getGenericReturnType()));
    }

    /** The parameters of a call with these arguments; what is null is left out, which is Perl's undef. */
    public Map<String, Value> params(List<@Nullable Object> plain, Outgoing call) {
        Map<String, Value> entries = new LinkedHashMap<>();
        for (int i = 0; i < plain.size(); i++) {
            arguments.get(i).write(plain.get(i), entries, call);
        }
        filled.forEach(name -> entries.put(name, new Value.Seq(List.of())));
        return entries;
    }

    /** Calls an object with parameters that have been checked. */
    public Value call(Object callee, Fields params, Incoming call) {
        @Nullable Object[] plain = new Object[arguments.size()];
        // The last first: a stream that was sent is taken, and ended, whatever is wrong with what comes before it.
        for (int i = plain.length - 1; i >= 0; i--) {
            plain[i] = arguments.get(i).read(params, call);
        }
        Object answer = Reflection.invoke(java, callee, plain);
        return answering.write(answer, Arrays.asList(plain), call);
    }
}

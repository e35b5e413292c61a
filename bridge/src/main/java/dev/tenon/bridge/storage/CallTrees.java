package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.codec.Functions;
import dev.tenon.bridge.codec.Incoming;
import dev.tenon.bridge.codec.Outgoing;
import dev.tenon.bridge.codec.TypedMethod;
import dev.tenon.core.compare.Answer;
import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.DelegatingPlugin;
import dev.tenon.core.record.CallForm;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Method;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Type.Kind;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Bytes;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Real;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.Value.Text;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Calls as the method table has them: the names of methods and parameters, and the shapes of answers, are its. */
public final class CallTrees implements CallForm {
    /** What is nothing outside of the process that made the call. */
    private static final Set<Kind> OF_CALLER = Set.of(Kind.CALLBACK, Kind.CACHE, Kind.STREAM);

    /** Bytes that are no text are an object with this key alone; keys of others that begin so have one more. */
    private static final String BYTES = "$bytes";

    @Override
    public Map<String, @Nullable Object> write(Call<?> call, Answer answer) {
        TypedMethod method = StorageApi.TYPED.method(call.operation());
        Map<String, @Nullable Object> line = new LinkedHashMap<>();
        line.put("method", method.row().name());
        try (Outgoing outgoing = new Outgoing(new Functions(), token -> {})) {
            Map<String, Value> params = method.params(call.arguments(), outgoing);
            for (Method.Param param : method.row().params()) {
                if (OF_CALLER.contains(param.type().kind())) {
                    params.remove(param.name());
                }
            }
            line.put("params", tree(new Fields(params)));
        }
        switch (answer) {
            case Answer.Value(Object value, var _) -> {
                // Work that is left for later is the caller's.
                Object told = isOfCleanup(value) ? Optional.empty() : value;
                try (Incoming incoming = new Incoming(Value.fields(), Caller.NONE)) {
                    line.put("result", tree(method.answering().write(told, call.arguments(), incoming)));
                }
            }
            case Answer.Refusal refusal -> {
                Map<String, @Nullable Object> error = new LinkedHashMap<>();
                error.put("error", refusal.error().name());
                error.put("outcome", refusal.outcome().name());
                error.put("text", refusal.text());
                line.put("error", error);
            }
        }
        return line;
    }

    private static boolean isOfCleanup(@Nullable Object value) {
        return value instanceof Optional<?> optional && optional.orElse(null) instanceof Cleanup;
    }

    @Override
    public Made read(Map<String, @Nullable Object> line) throws IOException {
        if (!(line.get("method") instanceof String row && value(line.get("params")) instanceof Fields params)) {
            throw new IOException("it has no method with parameters");
        }
        try {
            Call<?> call = call(row, params);
            Duration time = line.get("took_us") instanceof Number took
                    ? Duration.ofNanos(TimeUnit.MICROSECONDS.toNanos(took.longValue()))
                    : Duration.ZERO;
            return new Made(call, answer(call, line, time));
        } catch (ProtocolException | StorageException | IllegalArgumentException | ClassCastException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static Answer answer(Call<?> call, Map<String, @Nullable Object> line, Duration time) {
        if (line.get("error") instanceof Map<?, ?> error) {
            return new Answer.Refusal(
                    StorageError.valueOf(String.valueOf(error.get("error"))),
                    Outcome.valueOf(String.valueOf(error.get("outcome"))),
                    String.valueOf(error.get("text")),
                    time);
        }
        try (Outgoing outgoing = new Outgoing(new Functions(), token -> {})) {
            return new Answer.Value(
                    StorageApi.TYPED
                            .method(call.operation())
                            .answering()
                            .read(value(line.get("result")), call.arguments(), outgoing),
                    time);
        }
    }

    /** A call by name, as a typed one. */
    private static Call<?> call(String row, Fields params) throws IOException {
        Taking taking = new Taking();
        try {
            StorageApi.callee(taking).call(row, params, Caller.NONE);
        } catch (TakenException e) {
            // it is what was wanted
        }
        if (taking.taken == null) {
            throw new IOException("'" + row + "' is no call of a plugin");
        }
        return taking.taken;
    }

    /** Takes a call, and does not answer it. */
    private static final class Taking extends DelegatingPlugin {
        private @Nullable Call<?> taken;

        @Override
        protected <T extends @Nullable Object> T make(Call<T> call) {
            taken = call;
            throw new TakenException();
        }
    }

    private static final class TakenException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        TakenException() {
            super("the call is not made", null, false, false);
        }
    }

    private static @Nullable Object tree(Value value) {
        return switch (value) {
            case Nil _ -> null;
            case Bool(boolean flag) -> flag;
            case Int(long number) -> number;
            case Real(double number) -> number;
            case Text(String text) -> text;
            case Bytes bytes -> Map.of(BYTES, Base64.getEncoder().encodeToString(bytes.bytes()));
            case Seq(List<Value> items) -> {
                List<@Nullable Object> list = new ArrayList<>();
                items.forEach(item -> list.add(tree(item)));
                yield list;
            }
            case Fields(Map<String, Value> entries) -> {
                Map<String, @Nullable Object> map = new LinkedHashMap<>();
                entries.forEach((key, entry) -> map.put(key.startsWith("$") ? "$" + key : key, tree(entry)));
                yield map;
            }
        };
    }

    private static Value value(@Nullable Object tree) {
        return switch (tree) {
            case null -> Nil.NIL;
            case Boolean flag -> new Bool(flag);
            case Float number -> new Real(number);
            case Double number -> new Real(number);
            case Number number -> new Int(number.longValue());
            case String text -> new Text(text);
            case List<?> list -> new Seq(list.stream().map(CallTrees::value).toList());
            case Map<?, ?> map
            when map.size() == 1 && map.get(BYTES) instanceof String text ->
                new Bytes(Base64.getDecoder().decode(text));
            case Map<?, ?> map -> {
                Map<String, Value> entries = new LinkedHashMap<>();
                map.forEach((key, entry) -> {
                    String name = (String) key;
                    entries.put(name.startsWith("$") ? name.substring(1) : name, value(entry));
                });
                yield new Fields(entries);
            }
            default -> throw new IllegalArgumentException("'" + tree + "' is nothing that a call has");
        };
    }
}

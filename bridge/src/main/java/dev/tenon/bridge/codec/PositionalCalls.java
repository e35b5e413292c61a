package dev.tenon.bridge.codec;

import dev.tenon.core.spi.OperationCache;
import dev.tenon.proto.Api;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Method;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Type;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Calls as a Perl program wrote them down: positional, untyped. For replaying them by name and type. */
public final class PositionalCalls {

    private PositionalCalls() {}

    /**
     * The named parameters of a positional list of the newest level.
     *
     * @param args text, numbers, maps and lists; anything else counts as undef; a cache is any map
     * @param type the storage type to put into the configuration
     * @throws ProtocolException {@code BAD_PARAMETER} if there are too many or one is not of its type
     */
    public static Fields params(Api api, Method method, List<? extends @Nullable Object> args, String type) {
        List<String> names = method.positionsAt(api.level());
        if (args.size() > names.size()) {
            throw new ProtocolException(
                    ErrorCode.BAD_PARAMETER,
                    method.name() + ": takes at most " + names.size() + " parameters, got " + args.size());
        }
        Map<String, Value> params = new LinkedHashMap<>();
        for (int i = 0; i < args.size(); i++) {
            String name = names.get(i).replaceFirst("^%", "");
            Method.Param param = method.params().stream()
                    .filter(candidate -> candidate.name().equals(name))
                    .findFirst()
                    .orElseThrow();
            params.put(name, value(param.type(), args.get(i), type));
        }
        return new Fields(params);
    }

    private static Value value(Type type, @Nullable Object plain, String storageType) {
        if (type.list() && plain instanceof List<?> items) {
            List<Value> values = new ArrayList<>();
            for (Object item : items) {
                values.add(value(new Type(type.kind(), false, false), item, storageType));
            }
            return new Value.Seq(values);
        }
        return switch (plain) {
            case Number number when type.kind() == Type.Kind.BOOL -> new Value.Bool(number.longValue() != 0);
            case Number number -> new Value.Int(number.longValue());
            case String text -> new Value.Text(text);
            case Map<?, ?> ignored
            when type.kind() == Type.Kind.CACHE ->
                new Value.Text(OperationCache.create().id());
            case Map<?, ?> map -> {
                Map<String, Object> section = new LinkedHashMap<>();
                map.forEach((key, item) ->
                        section.put(String.valueOf(key), String.valueOf(key).equals("type") ? storageType : item));
                yield Trees.toValue(section);
            }
            case null, default -> Value.Nil.NIL;
        };
    }
}

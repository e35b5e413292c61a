package dev.tenon.bridge.codec;

import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Nil;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A Java record, as an entry or more for each of its components. The one named {@code other} takes what the table does not
 * name, one named {@code blank} the names of what is there without a value.
 */
final class RecordPart implements Part {
    private final Constructor<?> constructor;
    private final Method[] accessors;
    private final Part[] parts;

    private RecordPart(Constructor<?> constructor, Method[] accessors, Part[] parts) {
        this.constructor = constructor;
        this.accessors = accessors;
        this.parts = parts;
    }

    static RecordPart bind(Class<?> type, Claims claims) {
        RecordComponent[] components = type.getRecordComponents();
        Part[] parts = new Part[components.length];
        for (int i = 0; i < parts.length; i++) {
            Type java = components[i].getGenericType();
            parts[i] = switch (components[i].getName()) {
                case "other" -> new Others(claims.names());
                case "blank" -> new Blank();
                default -> claims.bind(java);
            };
        }
        Class<?>[] types =
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        Method[] accessors =
                Arrays.stream(components).map(RecordComponent::getAccessor).toArray(Method[]::new);
        try {
            Constructor<?> constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            Arrays.stream(accessors).forEach(accessor -> accessor.setAccessible(true));
            return new RecordPart(constructor, accessors, parts);
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call) {
        if (plain == null) {
            return;
        }
        for (int i = 0; i < parts.length; i++) {
            parts[i].write(Reflection.invoke(accessors[i], plain), entries, call);
        }
    }

    @Override
    public Object read(Fields fields, Incoming call) {
        @Nullable Object[] values = new Object[parts.length];
        for (int i = 0; i < parts.length; i++) {
            values[i] = parts[i].read(fields, call);
        }
        try {
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            throw Reflection.thrown(e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What the table does not name, as trees. */
    private record Others(Set<String> known) implements Part {
        @Override
        public void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call) {
            if (plain instanceof Map<?, ?> others) {
                others.forEach((name, tree) -> entries.put(String.valueOf(name), Trees.toValue(tree)));
            }
        }

        @Override
        public Object read(Fields fields, Incoming call) {
            Map<String, Object> others = new TreeMap<>();
            fields.entries().forEach((name, value) -> {
                Object tree = known.contains(name) ? null : Trees.toJava(value);
                if (tree != null) {
                    others.put(name, tree);
                }
            });
            return others;
        }
    }

    /** The names of the fields that are present but have no value. */
    private record Blank() implements Part {
        @Override
        public void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call) {
            if (plain instanceof Set<?> names) {
                names.forEach(name -> entries.putIfAbsent(String.valueOf(name), Nil.NIL));
            }
        }

        @Override
        public Object read(Fields fields, Incoming call) {
            Set<String> names = new TreeSet<>();
            fields.entries().forEach((name, value) -> {
                if (value instanceof Nil) {
                    names.add(name);
                }
            });
            return names;
        }
    }
}

package dev.tenon.it.faulty;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Faulty versions of an answer: each differs from it in one place. */
final class Mutants {
    private Mutants() {}

    /**
     * All of them, by what is wrong.
     *
     * @param value what the faithful plugin answers
     */
    static Map<String, @Nullable Object> of(@Nullable Object value) {
        Map<String, @Nullable Object> mutants = new LinkedHashMap<>();
        switch (value) {
            case null -> {}
            case Boolean flag -> mutants.put("flipped", !flag);
            case Long number -> mutants.put("off by one", number + 1);
            case ByteSize size -> {
                mutants.put("other unit", ByteSize.ofBytes(size.bytes() << 10));
                mutants.put("off by one", ByteSize.ofBytes(size.bytes() + 1));
            }
            case String text -> mutants.put("other text", text + "x");
            case Enum<?> word -> {
                for (Object other : word.getDeclaringClass().getEnumConstants()) {
                    if (!other.equals(word)) {
                        mutants.put("other word", other);
                    }
                }
            }
            case Optional<?> optional -> {
                if (optional.isPresent()) {
                    mutants.put("missing", Optional.empty());
                    of(optional.get()).forEach((what, other) -> mutants.put(what, Optional.ofNullable(other)));
                }
            }
            case List<?> list -> ofList(list, mutants);
            case Set<?> set -> {
                if (!set.isEmpty()) {
                    Set<Object> fewer = new LinkedHashSet<>(set);
                    fewer.remove(set.iterator().next());
                    mutants.put("one missing", fewer);
                }
            }
            case Map<?, ?> map -> ofMap(map, mutants);
            case Record record -> ofRecord(record, mutants);
            default -> {}
        }
        return mutants;
    }

    private static void ofList(List<?> list, Map<String, @Nullable Object> mutants) {
        if (list.isEmpty()) {
            return;
        }
        mutants.put("one missing", List.copyOf(list.subList(1, list.size())));
        if (list.size() > 1 && !list.getFirst().equals(list.getLast())) {
            mutants.put("other order", List.copyOf(list.reversed()));
        }
        of(list.getFirst()).forEach((what, other) -> {
            List<Object> changed = new ArrayList<>(list);
            if (other != null) {
                changed.set(0, other);
                mutants.put("first: " + what, changed);
            }
        });
    }

    private static void ofMap(Map<?, ?> map, Map<String, @Nullable Object> mutants) {
        map.forEach((key, value) -> {
            Map<Object, Object> fewer = new LinkedHashMap<>(map);
            fewer.remove(key);
            mutants.put("no " + key, fewer);
            of(value).forEach((what, other) -> {
                if (other != null) {
                    Map<Object, Object> changed = new LinkedHashMap<>(map);
                    changed.put(key, other);
                    mutants.put(key + ": " + what, changed);
                }
            });
        });
    }

    private static void ofRecord(Record record, Map<String, @Nullable Object> mutants) {
        RecordComponent[] components = record.getClass().getRecordComponents();
        for (int i = 0; i < components.length; i++) {
            String name = components[i].getName();
            Object value = values(record)[i];
            // Nothing is listed without a name.
            if (value != null
                    && !components[i].getType().isPrimitive()
                    && !(value instanceof VolumeId || value instanceof VolumeInfo)) {
                put(mutants, name + ": missing", record, i, null);
            }
            int at = i;
            of(value).forEach((what, other) -> put(mutants, name + ": " + what, record, at, other));
        }
    }

    /** A value that the record itself refuses is no fault that could reach anybody. */
    private static void put(
            Map<String, @Nullable Object> mutants, String what, Record record, int at, @Nullable Object value) {
        @Nullable Object[] values = values(record);
        values[at] = value;
        try {
            Class<?>[] types = new Class<?>[values.length];
            for (int i = 0; i < types.length; i++) {
                types[i] = record.getClass().getRecordComponents()[i].getType();
            }
            Constructor<?> constructor = record.getClass().getDeclaredConstructor(types);
            constructor.setAccessible(true);
            Object mutant = constructor.newInstance(values);
            if (!mutant.equals(record)) {
                mutants.put(what, mutant);
            }
        } catch (ReflectiveOperationException e) {
            // refused
        }
    }

    private static @Nullable Object[] values(Record record) {
        RecordComponent[] components = record.getClass().getRecordComponents();
        @Nullable Object[] values = new @Nullable Object[components.length];
        for (int i = 0; i < values.length; i++) {
            try {
                components[i].getAccessor().setAccessible(true);
                values[i] = components[i].getAccessor().invoke(record);
            } catch (ReflectiveOperationException e) {
                throw new LinkageError(e.getMessage(), e);
            }
        }
        return values;
    }
}

package dev.tenon.core.compare;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.VolumeInfo;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Compares answers as the typed values that they are, field by field. */
final class Differences {
    private static final String NOTHING = "(nothing)";
    private static final String EMPTY = "(an empty text)";
    private static final String THERE = "(listed)";
    private static final String MISSING = "(not listed)";

    private final List<Difference> found = new ArrayList<>();

    private Differences() {}

    /** What differs between two answers to one call; empty if they say the same. */
    static List<Difference> between(Answer old, Answer candidate) {
        Differences differences = new Differences();
        switch (old) {
            case Answer.Value(Object a, var _) -> {
                if (candidate instanceof Answer.Value(Object b, var _)) {
                    differences.compare("", "", a, b);
                } else {
                    differences.add("answer", "", text(a), refusal(candidate));
                }
            }
            case Answer.Refusal a -> {
                if (candidate instanceof Answer.Refusal b) {
                    differences.compare("error", "", a.error(), b.error());
                    differences.compare("outcome", "", a.outcome(), b.outcome());
                    differences.compare("text", "", a.text().strip(), b.text().strip());
                } else {
                    differences.add("answer", "", refusal(a), text(((Answer.Value) candidate).value()));
                }
            }
        }
        return differences.found;
    }

    private static String refusal(Answer answer) {
        return answer instanceof Answer.Refusal refusal
                ? "refused: " + refusal.text().strip()
                : String.valueOf(answer);
    }

    private void add(String field, String subject, String old, String candidate) {
        found.add(new Difference(field.isEmpty() ? "answer" : field, subject, old, candidate));
    }

    private void compare(String field, String subject, @Nullable Object old, @Nullable Object candidate) {
        Object a = bare(old);
        Object b = bare(candidate);
        if (a instanceof Map<?, ?> one && b instanceof Map<?, ?> other) {
            compareMaps(field, subject, one, other);
        } else if (a instanceof Set<?> one && b instanceof Set<?> other) {
            compareSets(field, subject, one, other);
        } else if (a instanceof List<?> one && b instanceof List<?> other) {
            compareLists(field, subject, one, other);
        } else if (a instanceof Record one
                && b instanceof Record other
                && one.getClass() == other.getClass()
                && one.getClass().getRecordComponents().length > 1
                && identity(one) == null) {
            compareRecords(field, subject, one, other);
        } else if (!isSame(a, b)) {
            add(field, subject, text(a), text(b));
        }
    }

    /** Without what is only around a value. */
    private static @Nullable Object bare(@Nullable Object value) {
        return switch (value) {
            case Optional<?> optional -> optional.orElse(null);
            case Record record
            when record.getClass().getRecordComponents().length == 1
                    && value(record.getClass().getRecordComponents()[0], record) instanceof Map<?, ?> map -> map;
            case null, default -> value;
        };
    }

    private static boolean isSame(@Nullable Object a, @Nullable Object b) {
        return (a instanceof Pattern one && b instanceof Pattern other)
                ? one.pattern().equals(other.pattern()) && one.flags() == other.flags()
                : Objects.equals(a, b);
    }

    private void compareMaps(String field, String subject, Map<?, ?> old, Map<?, ?> candidate) {
        Set<String> keys = new TreeSet<>();
        Map<String, Object> ofOld = byText(old, keys);
        Map<String, Object> ofCandidate = byText(candidate, keys);
        for (String key : keys) {
            String about = subject.isEmpty() ? key : subject + " " + key;
            compare(field, about, ofOld.get(key), ofCandidate.get(key));
        }
    }

    private static Map<String, Object> byText(Map<?, ?> map, Set<String> keys) {
        Map<String, Object> result = new LinkedHashMap<>();
        map.forEach((key, value) -> {
            result.put(text(key), value);
            keys.add(text(key));
        });
        return result;
    }

    private void compareSets(String field, String subject, Set<?> old, Set<?> candidate) {
        if (!old.equals(candidate)) {
            add(field, subject, text(old), text(candidate));
        }
    }

    private void compareLists(String field, String subject, List<?> old, List<?> candidate) {
        Map<String, Object> ofOld = byIdentity(old);
        Map<String, Object> ofCandidate = byIdentity(candidate);
        if (ofOld == null || ofCandidate == null) {
            if (!texts(old).equals(texts(candidate))) {
                add(field, subject, text(old), text(candidate));
            }
            return;
        }
        Set<String> all = new TreeSet<>(ofOld.keySet());
        all.addAll(ofCandidate.keySet());
        for (String id : all) {
            Object a = ofOld.get(id);
            Object b = ofCandidate.get(id);
            if (a == null || b == null) {
                add(name(field, "volume"), id, a == null ? MISSING : THERE, b == null ? MISSING : THERE);
            } else {
                compareRecords(field, id, (Record) a, (Record) b);
            }
        }
        List<String> order = new ArrayList<>(ofOld.keySet());
        List<String> otherOrder = new ArrayList<>(ofCandidate.keySet());
        if (ofOld.keySet().equals(ofCandidate.keySet()) && !order.equals(otherOrder)) {
            add(name(field, "order"), subject, String.join(" ", order), String.join(" ", otherOrder));
        }
        if (old.size() != ofOld.size() || candidate.size() != ofCandidate.size()) {
            compare(name(field, "count"), subject, old.size(), candidate.size());
        }
    }

    /** Null if the elements of the list have no names of their own. */
    private static @Nullable Map<String, Object> byIdentity(List<?> list) {
        Map<String, Object> result = new LinkedHashMap<>();
        for (Object element : list) {
            String identity = identity(element);
            if (identity == null) {
                return null;
            }
            result.put(identity, element);
        }
        return result;
    }

    private static @Nullable String identity(Object element) {
        return switch (element) {
            case VolumeInfo volume -> volume.volid().toString();
            case ListedVolume listed -> listed.volume().volid().toString();
            case PruneMark mark -> mark.volid().toString();
            default -> null;
        };
    }

    private void compareRecords(String field, String subject, Record old, Record candidate) {
        for (RecordComponent component : old.getClass().getRecordComponents()) {
            Object a = value(component, old);
            Object b = value(component, candidate);
            String name = name(field, component.getName());
            if (a instanceof VolumeInfo one && b instanceof VolumeInfo other) {
                compareRecords(name, subject, one, other);
            } else {
                compare(name, subject, a, b);
            }
        }
    }

    private static String name(String field, String component) {
        return field.isEmpty() ? component : field + "." + component;
    }

    private static @Nullable Object value(RecordComponent component, Record record) {
        try {
            var accessor = component.getAccessor();
            // A record that is nested in an interface of this module may have an accessor that only its package sees.
            accessor.setAccessible(true);
            return accessor.invoke(record);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the field '" + component.getName() + "' cannot be read", e);
        }
    }

    private static List<String> texts(List<?> list) {
        return list.stream().map(Differences::text).toList();
    }

    private static String text(@Nullable Object value) {
        return switch (value) {
            case null -> NOTHING;
            case String empty when empty.isEmpty() -> EMPTY;
            case Optional<?> optional -> text(optional.orElse(null));
            case Format format -> format.word();
            case Collection<?> none when none.isEmpty() -> "(none)";
            case List<?> list -> String.join(", ", texts(list));
            case Collection<?> other ->
                String.join(", ", other.stream().map(Differences::text).sorted().toList());
            case Record record
            when record.getClass().getRecordComponents().length == 1 ->
                text(value(record.getClass().getRecordComponents()[0], record));
            default -> value.toString();
        };
    }
}

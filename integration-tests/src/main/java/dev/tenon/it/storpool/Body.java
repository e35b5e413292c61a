package dev.tenon.it.storpool;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a request, each checked as the API does; a field that nobody asked for is refused.
 *
 * @param fields as decoded
 */
record Body(Map<?, ?> fields) {
    private static final long SECTOR = 512;
    private static final int MOST_CLIENTS = 4095;
    private static final int LONGEST_TAG = 199;
    private static final Pattern REFERENCE = Pattern.compile("~[a-z0-9]+\\.[a-z0-9]+\\.[a-z0-9]+");
    private static final Pattern TAG = Pattern.compile("[A-Za-z0-9_\\-.:]+");
    private static final Pattern TAG_VALUE = Pattern.compile("[A-Za-z0-9_\\-.:]*");
    private static final Pattern TEMPLATE = Pattern.compile("[A-Za-z0-9_\\-]+");

    static Body of(@Nullable Object json) {
        if (json instanceof Map<?, ?> map) {
            return new Body(map);
        }
        throw ApiError.invalid("the request is no object");
    }

    /** Refuses fields beyond these. */
    Body only(String... allowed) {
        Set<Object> others = new LinkedHashSet<>(fields.keySet());
        others.removeAll(Set.of(allowed));
        if (!others.isEmpty()) {
            throw ApiError.invalid("unexpected fields " + others + ", expected are " + List.of(allowed));
        }
        return this;
    }

    boolean has(String field) {
        return fields.containsKey(field);
    }

    private Object required(String field) {
        Object value = fields.get(field);
        if (value == null) {
            throw ApiError.invalid("field '" + field + "' is missing");
        }
        return value;
    }

    /** The id in a reference such as {@code ~a.b.c}. */
    String reference(String field) {
        return id(String.valueOf(required(field)));
    }

    static String id(String reference) {
        if (!REFERENCE.matcher(reference).matches()) {
            throw ApiError.invalid("'" + reference + "' is no reference such as ~a.b.c");
        }
        return reference.substring(1);
    }

    String template() {
        String template = String.valueOf(required("template"));
        if (!TEMPLATE.matcher(template).matches()) {
            throw ApiError.invalid("'" + template + "' is no name of a template");
        }
        return template;
    }

    long size() {
        if (!(required("size") instanceof Number number)) {
            throw ApiError.invalid("size '" + fields.get("size") + "' is no number");
        }
        if (number.longValue() <= 0 || number.longValue() % SECTOR != 0) {
            throw ApiError.invalid("size " + number + " is not a multiple of " + SECTOR);
        }
        return number.longValue();
    }

    Map<String, String> tags() {
        if (!has("tags")) {
            return Map.of();
        }
        if (!(fields.get("tags") instanceof Map<?, ?> map)) {
            throw ApiError.invalid("tags are no object");
        }
        Map<String, String> tags = new TreeMap<>();
        map.forEach((name, value) -> {
            String tag = String.valueOf(name);
            if (!(value instanceof String text)) {
                throw ApiError.invalid("the value of tag '" + tag + "' is no text: " + value);
            }
            boolean isShort = tag.length() <= LONGEST_TAG && text.length() <= LONGEST_TAG;
            if (!isShort
                    || !TAG.matcher(tag).matches()
                    || !TAG_VALUE.matcher(text).matches()) {
                throw ApiError.invalid("the API takes no tag '" + tag + "=" + text + "'");
            }
            tags.put(tag, text);
        });
        return tags;
    }

    boolean flag(String field) {
        if (!has(field)) {
            return false;
        }
        if (fields.get(field) instanceof Boolean flag) {
            return flag;
        }
        throw ApiError.invalid("field '" + field + "' is no boolean");
    }

    /** Ids of clients; one may be text. */
    Set<Integer> clients(String field) {
        if (!(required(field) instanceof List<?> list)) {
            throw ApiError.invalid("field '" + field + "' is no list of clients");
        }
        Set<Integer> clients = new TreeSet<>();
        list.forEach(item -> clients.add(client(String.valueOf(item))));
        return clients;
    }

    static int client(String text) {
        if (!text.matches("[1-9][0-9]{0,3}") || Integer.parseInt(text) > MOST_CLIENTS) {
            throw ApiError.invalid("'" + text + "' is no client, whose ids are 1 to " + MOST_CLIENTS);
        }
        return Integer.parseInt(text);
    }

    /** The requests of a list. */
    static List<Body> all(@Nullable Object json) {
        if (!(json instanceof List<?> list)) {
            throw ApiError.invalid("the request is no list");
        }
        List<Body> bodies = new ArrayList<>();
        list.forEach(item -> bodies.add(of(item)));
        return bodies;
    }
}

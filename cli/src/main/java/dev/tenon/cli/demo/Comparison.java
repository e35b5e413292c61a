package dev.tenon.cli.demo;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Whether two answers to the same call say the same. */
final class Comparison {
    /** Other programs write to the same disk between two calls; that much of it may come and go, in bytes. */
    private static final long SMALLEST_MOVE = 256L << 20;
    /**
     * On a large disk programs write more: this part of the total. It is less than the twentieth that many file systems
     * reserve, so an answer that counts what is reserved still differs.
     */
    private static final long MOVING_PART = 50;

    private Comparison() {}

    /**
     * What differs, null if nothing does. Two refusals agree, whatever their words. The times of images that the calls
     * themselves made are not compared, nor the free space of a disk to the byte.
     *
     * @param made names and ids of volumes that the calls made
     */
    static @Nullable String difference(RecordedCall call, Answer one, Answer other, Set<String> made) {
        if (one.error() != null || other.error() != null) {
            return one.error() != null && other.error() != null ? null : "only one of them dies";
        }
        if (call.method().equals("status")) {
            return statusDifference(map(one.plain()), map(other.plain()));
        }
        boolean fresh = call.args().stream().anyMatch(argument -> made.contains(String.valueOf(argument)));
        Object a = withoutTimes(one.plain(), fresh, made);
        Object b = withoutTimes(other.plain(), fresh, made);
        return Objects.equals(a, b) ? null : "they differ";
    }

    private static @Nullable String statusDifference(Map<String, Object> one, Map<String, Object> other) {
        long mayMove =
                Math.max(SMALLEST_MOVE, Long.parseLong(String.valueOf(one.getOrDefault("total", 0))) / MOVING_PART);
        for (String key : new TreeSet<>(one.keySet())) {
            String a = String.valueOf(one.get(key));
            String b = String.valueOf(other.get(key));
            boolean moves = key.equals("avail") || key.equals("used");
            if (moves ? Math.abs(Long.parseLong(a) - Long.parseLong(b)) > mayMove : !a.equals(b)) {
                return "'" + key + "' is " + a + " and " + b;
            }
        }
        return one.keySet().equals(other.keySet()) ? null : "one of them has more fields";
    }

    private static @Nullable Object withoutTimes(@Nullable Object plain, boolean fresh, Set<String> made) {
        return switch (plain) {
            case List<?> list ->
                list.stream()
                        .map(item -> withoutTime(
                                map(item),
                                made.contains(String.valueOf(map(item).get("volid")))))
                        .toList();
            case Map<?, ?> ignored -> withoutTime(map(plain), fresh);
            case null, default -> plain;
        };
    }

    private static Map<String, Object> withoutTime(Map<String, Object> entry, boolean fresh) {
        if (fresh) {
            entry.remove("ctime");
        }
        return entry;
    }

    private static Map<String, Object> map(@Nullable Object plain) {
        Map<String, Object> result = new TreeMap<>();
        if (plain instanceof Map<?, ?> map) {
            map.forEach((key, value) -> result.put(String.valueOf(key), Objects.requireNonNull(value)));
        }
        return result;
    }
}

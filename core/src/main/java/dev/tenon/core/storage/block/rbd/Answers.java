package dev.tenon.core.storage.block.rbd;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What Ceph's commands print with {@code --format json}. Unknown keys are ignored: each release has more.
 *
 * <p>All throw {@code BAD_RESULT} if it is something else.
 */
final class Answers {
    /** As the C library writes it in the C locale; the commands run in UTC. */
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("EEE MMM d HH:mm:ss yyyy", Locale.ROOT);

    private static final int SHOWN = 200;

    private Answers() {}

    /** The use of a pool, in bytes. */
    record Use(long used, long available) {}

    /** What is told of one image. */
    record Info(long size, @Nullable String parent, int format, List<String> features) {
        Info {
            features = List.copyOf(features);
        }
    }

    /** Of {@code rbd ls -l}. */
    static List<Image> images(String text) {
        Map<String, Map<?, ?>> images = new LinkedHashMap<>();
        Map<String, List<Image.Snapshot>> snapshots = new LinkedHashMap<>();
        for (Map<?, ?> row : rows("rbd ls", text)) {
            String name = text(row, "image");
            if (row.get("snapshot") == null) {
                images.put(name, row);
            } else {
                snapshots
                        .computeIfAbsent(name, _ -> new ArrayList<>())
                        .add(snapshot(row, text(row, "snapshot"), "snapshot_id"));
            }
        }
        List<Image> result = new ArrayList<>();
        images.forEach((name, row) ->
                result.add(new Image(name, number(row, "size"), parent(row), snapshots.getOrDefault(name, List.of()))));
        return result;
    }

    /** Of {@code rbd ls}. */
    static List<String> names(String text) {
        if (!(parsed("rbd ls", text) instanceof List<?> list)) {
            throw bad("rbd ls", text, null);
        }
        return list.stream().map(String::valueOf).toList();
    }

    /** Of {@code rbd snap ls}. */
    static List<Image.Snapshot> snapshots(String text) {
        return rows("rbd snap ls", text).stream()
                .map(row -> snapshot(row, text(row, "name"), "id"))
                .toList();
    }

    private static Image.Snapshot snapshot(Map<?, ?> row, String name, String id) {
        return new Image.Snapshot(
                name,
                row.get(id) == null ? -1 : number(row, id),
                number(row, "size"),
                "true".equals(String.valueOf(row.get("protected"))),
                row.get("timestamp") instanceof String time ? seconds(time) : null);
    }

    private static @Nullable Long seconds(String time) {
        try {
            return LocalDateTime.parse(time.strip().replaceAll(" +", " "), TIME).toEpochSecond(ZoneOffset.UTC);
        } catch (DateTimeParseException e) {
            return null;
        }
    }

    /** Of {@code rbd info}. */
    static Info info(String text) {
        Map<?, ?> row = row("rbd info", text);
        List<String> features = row.get("features") instanceof List<?> list
                ? list.stream().map(String::valueOf).toList()
                : List.of();
        return new Info(number(row, "size"), parent(row), (int) number(row, "format"), features);
    }

    /** Of {@code rbd du} of one image: what its newest state has for itself; empty if it is not told. */
    static Optional<Long> used(String text, String image) {
        if (!(row("rbd du", text).get("images") instanceof List<?> images)) {
            throw bad("rbd du", text, null);
        }
        return images.stream()
                .filter(each -> each instanceof Map<?, ?> row
                        && row.get("snapshot") == null
                        && image.equals(row.get("name"))
                        && row.get("used_size") != null)
                .findFirst()
                .map(row -> number((Map<?, ?>) row, "used_size"));
    }

    /** Of {@code rbd children}: the names of the clones, as people write them. */
    static List<String> children(String text) {
        return rows("rbd children", text).stream()
                .map(row -> text(row, "pool") + "/"
                        + (row.get("pool_namespace") instanceof String space && !space.isEmpty() ? space + "/" : "")
                        + text(row, "image"))
                .toList();
    }

    /** Of {@code rbd status}: the addresses of those who have the image open to write. */
    static List<String> watchers(String text) {
        return row("rbd status", text).get("watchers") instanceof List<?> watchers
                ? watchers.stream()
                        .map(each -> each instanceof Map<?, ?> row ? String.valueOf(row.get("address")) : "?")
                        .toList()
                : List.of();
    }

    /** Of {@code ceph df}: empty if it does not tell of the pool. */
    static Optional<Use> use(String text, String pool) {
        if (!(row("ceph df", text).get("pools") instanceof List<?> pools)) {
            throw bad("ceph df", text, null);
        }
        for (Object each : pools) {
            if (each instanceof Map<?, ?> row
                    && pool.equals(row.get("name"))
                    && row.get("stats") instanceof Map<?, ?> stats) {
                long used = number(stats, stats.get("stored") == null ? "bytes_used" : "stored");
                return Optional.of(new Use(used, number(stats, "max_avail")));
            }
        }
        return Optional.empty();
    }

    /** Of {@code ceph osd pool ls detail}: the pools that take no writes because they are full or their quota is used up. */
    static List<String> fullPools(String text) {
        return rows("ceph osd pool ls", text).stream()
                .filter(row -> row.get("flags_names") instanceof String flags
                        && List.of(flags.split(",", -1)).contains("full"))
                .map(row -> text(row, "pool_name"))
                .toList();
    }

    /** Of {@code ceph fsid}. */
    static String fsid(String text) {
        return text(row("ceph fsid", text), "fsid");
    }

    private static @Nullable String parent(Map<?, ?> row) {
        return row.get("parent") instanceof Map<?, ?> parent
                ? text(parent, "image") + "@" + text(parent, "snapshot")
                : null;
    }

    private static List<Map<?, ?>> rows(String program, String text) {
        if (text.isBlank()) {
            return List.of();
        }
        List<Map<?, ?>> rows = new ArrayList<>();
        if (parsed(program, text) instanceof List<?> list) {
            for (Object each : list) {
                if (!(each instanceof Map<?, ?> row)) {
                    throw bad(program, text, null);
                }
                rows.add(row);
            }
            return rows;
        }
        throw bad(program, text, null);
    }

    private static Map<?, ?> row(String program, String text) {
        if (parsed(program, text) instanceof Map<?, ?> row) {
            return row;
        }
        throw bad(program, text, null);
    }

    private static Object parsed(String program, String text) {
        try {
            Object value = JSON.std.anyFrom(text);
            if (value != null) {
                return value;
            }
        } catch (IOException e) {
            throw bad(program, text, e);
        }
        throw bad(program, text, null);
    }

    private static String text(Map<?, ?> row, String key) {
        if (row.get(key) instanceof String text) {
            return text;
        }
        throw bad("Ceph", key + " is " + row.get(key), null);
    }

    private static long number(Map<?, ?> row, String key) {
        if (row.get(key) instanceof Number number && number.longValue() >= 0) {
            return number.longValue();
        }
        throw bad("Ceph", key + " is " + row.get(key), null);
    }

    private static StorageException bad(String program, String what, @Nullable Throwable cause) {
        String shown = what.isBlank() ? "nothing" : what.strip();
        return new StorageException(
                StorageError.BAD_RESULT,
                Outcome.NOT_STARTED,
                program + " answers what is not expected: "
                        + Quoted.inWords(shown.length() > SHOWN ? shown.substring(0, SHOWN) + "..." : shown),
                cause);
    }
}

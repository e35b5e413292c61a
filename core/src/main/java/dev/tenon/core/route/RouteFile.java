package dev.tenon.core.route;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.linux.AtomicFile;
import dev.tenon.core.spi.StorageId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The routes of a storage type as a document in JSON, which outlives the daemon. */
public final class RouteFile {
    /** Rises when a reader of an earlier one would misunderstand. */
    private static final int VERSION = 1;

    private static final int MODE_OF_NEW = 0644;

    private RouteFile() {}

    /**
     * Reads a file.
     *
     * @return those of a file that is not there are {@link Routes#NONE}
     * @throws IOException if it cannot be read or understood; the message says what to do
     */
    public static Routes read(Path file) throws IOException {
        if (!Files.exists(file)) {
            return Routes.NONE;
        }
        try {
            return parse(Files.readString(file));
        } catch (IOException e) {
            throw new IOException(
                    "the routes in '" + file + "' cannot be read: " + e.getMessage()
                            + "; correct the file, or remove it, after which all calls go to the old plugin",
                    e);
        }
    }

    /**
     * Writes a file, whole or not at all.
     *
     * @param file its directory is made
     */
    public static void write(Routes routes, Path file) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        AtomicFile.replace(file, text(routes).getBytes(StandardCharsets.UTF_8), MODE_OF_NEW);
    }

    /** The document. */
    public static String text(Routes routes) throws IOException {
        Map<String, Object> bounds = new LinkedHashMap<>();
        bounds.put("bad", routes.bounds().bad());
        bounds.put("of", routes.bounds().of());
        bounds.put("late_ms", routes.bounds().late().toMillis());
        Map<String, Object> top = new LinkedHashMap<>();
        top.put("version", VERSION);
        top.put("bounds", bounds);
        top.put("routes", routes.routes().stream().map(RouteFile::map).toList());
        return JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(top) + "\n";
    }

    private static Map<String, Object> map(Route route) {
        Map<String, Object> map = new LinkedHashMap<>();
        if (route.storage() != null) {
            map.put("storage", route.storage().value());
        }
        if (route.method() != null) {
            map.put("method", route.method());
        }
        map.put("way", route.way().word());
        map.put("reason", route.reason());
        map.put("since", route.since().toString());
        map.put("by_hand", route.isByHand());
        return map;
    }

    /**
     * Reads the document.
     *
     * @throws IOException if it is none, or of a later version
     */
    public static Routes parse(String text) throws IOException {
        Map<String, Object> top = JSON.std.mapFrom(text);
        if (!(top.get("version") instanceof Integer version && version == VERSION)) {
            throw new IOException("it is of version " + top.get("version") + ", and not " + VERSION);
        }
        try {
            List<Route> routes = new ArrayList<>();
            if (top.get("routes") instanceof List<?> list) {
                for (Object entry : list) {
                    routes.add(route(object(entry)));
                }
            }
            Map<?, ?> bounds = object(top.get("bounds"));
            return new Routes(
                    new Bounds(
                            number(bounds, "bad").intValue(),
                            number(bounds, "of").intValue(),
                            Duration.ofMillis(number(bounds, "late_ms").longValue())),
                    routes);
        } catch (IllegalArgumentException | DateTimeException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static Route route(Map<?, ?> map) throws IOException {
        String word = text(map, "way");
        return new Route(
                map.containsKey("storage") ? new StorageId(text(map, "storage")) : null,
                map.containsKey("method") ? text(map, "method") : null,
                Way.of(word).orElseThrow(() -> new IOException("there is no way '" + word + "'")),
                text(map, "reason"),
                Instant.parse(text(map, "since")),
                Boolean.TRUE.equals(map.get("by_hand")));
    }

    private static Map<?, ?> object(@Nullable Object value) throws IOException {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new IOException("'" + value + "' is no object");
    }

    private static String text(Map<?, ?> map, String key) throws IOException {
        if (map.get(key) instanceof String text) {
            return text;
        }
        throw new IOException("a route has no text as '" + key + "'");
    }

    private static Number number(Map<?, ?> map, String key) throws IOException {
        if (map.get(key) instanceof Number number) {
            return number;
        }
        throw new IOException("the bounds have no number as '" + key + "'");
    }
}

package dev.tenon.cli.compare;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.core.route.Bounds;
import dev.tenon.core.route.Route;
import dev.tenon.core.route.RouteFile;
import dev.tenon.core.route.Router;
import dev.tenon.core.route.Routes;
import dev.tenon.core.route.Way;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import java.io.IOException;
import java.lang.reflect.Method;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Shows and changes routes. The words are those of the options of the command; without a way or a bound nothing is changed.
 * The answer is an object with the routes of each type, as their file has them, and its new plugin.
 */
final class RouteRequest implements ServedPlugins.Request {
    static final String NAME = "route";
    static final String TYPE = "type";
    static final String STORAGE = "storage";
    static final String METHOD = "method";
    static final String WAY = "way";
    static final String REASON = "reason";
    static final String BAD = "bad";
    static final String OF = "of";
    static final String LATE = "late_ms";

    private static final Set<String> METHODS = Arrays.stream(StoragePlugin.class.getMethods())
            .map(Method::getName)
            .filter(name -> !Router.OF_OLD.contains(name))
            .collect(Collectors.toCollection(TreeSet::new));

    private final Map<String, Shadows.One> all;

    RouteRequest(Map<String, Shadows.One> all) {
        this.all = all;
    }

    @Override
    public String answer(Map<String, String> words) {
        Map<String, Shadows.One> chosen = Shadows.chosen(all, words);
        try {
            String type = words.get(TYPE);
            Shadows.One one = type == null ? null : chosen.get(type);
            if (one != null) {
                change(one.router(), words);
            }
            Map<String, Object> answer = new LinkedHashMap<>();
            for (Shadows.One shown : chosen.values()) {
                Map<String, Object> document =
                        JSON.std.mapFrom(RouteFile.text(shown.router().routes()));
                document.put("new", shown.candidate());
                answer.put(shown.type(), document);
            }
            return JSON.std.asString(answer);
        } catch (IllegalArgumentException e) {
            throw StorageException.refused(StorageError.BAD_PARAMETER, String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.COMMAND_FAILED, Outcome.FAILED_CLEAN, "no route was changed: " + e.getMessage(), e);
        }
    }

    /** All words are looked at before anything is changed. */
    private static void change(Router router, Map<String, String> words) throws IOException {
        Route route = route(words);
        Bounds bounds = bounds(router.routes(), words);
        boolean isOther = !bounds.equals(router.routes().bounds());
        if (route != null || isOther) {
            router.change(route, isOther ? bounds : null);
        }
    }

    private static @Nullable Route route(Map<String, String> words) {
        String word = words.get(WAY);
        if (word == null) {
            return null;
        }
        Way way = Way.of(word)
                .orElseThrow(() -> new IllegalArgumentException("there is no way '" + word + "'; there are "
                        + Arrays.stream(Way.values()).map(Way::word).collect(Collectors.joining(", "))));
        String method = words.get(METHOD);
        if (method != null && !METHODS.contains(method)) {
            throw new IllegalArgumentException("there is no method '" + method + "'; there are " + METHODS);
        }
        String storage = words.get(STORAGE);
        return new Route(
                storage == null ? null : new StorageId(storage),
                method,
                way,
                words.getOrDefault(REASON, ""),
                Instant.now(),
                true);
    }

    private static Bounds bounds(Routes routes, Map<String, String> words) {
        Bounds now = routes.bounds();
        return new Bounds(
                Math.toIntExact(number(words, BAD, now.bad())),
                Math.toIntExact(number(words, OF, now.of())),
                Duration.ofMillis(number(words, LATE, now.late().toMillis())));
    }

    private static long number(Map<String, String> words, String name, long otherwise) {
        String text = words.get(name);
        if (text == null) {
            return otherwise;
        }
        if (!text.matches("[0-9]{1,9}")) {
            throw new IllegalArgumentException("'" + text + "' is no number for '" + name + "'");
        }
        return Long.parseLong(text);
    }
}

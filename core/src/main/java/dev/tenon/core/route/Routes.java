package dev.tenon.core.route;

import dev.tenon.core.spi.StorageId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The routes of a storage type. What no route is for goes the way {@link Way#SHADOW}.
 *
 * @param routes the most precise first
 */
public record Routes(Bounds bounds, List<Route> routes) {
    /** All in the shadow. */
    public static final Routes NONE = new Routes(Bounds.USUAL, List.of());

    public Routes {
        routes = routes.stream()
                .sorted(Comparator.comparingInt(Route::precision).reversed())
                .toList();
    }

    /** The way of a call. */
    public Way of(@Nullable StorageId storage, String operation) {
        return routes.stream()
                .filter(route -> route.fits(storage, operation))
                .findFirst()
                .map(Route::way)
                .orElse(Way.SHADOW);
    }

    /** The same with this route, which takes the place of those for a part of its calls. */
    public Routes with(Route route) {
        List<Route> others = new ArrayList<>(
                routes.stream().filter(other -> !route.contains(other)).toList());
        others.add(route);
        return new Routes(bounds, others);
    }

    /** The same with other bounds. */
    public Routes within(Bounds other) {
        return new Routes(other, routes);
    }
}

package dev.tenon.web;

import dev.tenon.bridge.serve.Overview;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What the page looks at.
 *
 * @param host whose storages are shown
 * @param observation of the daemon's calls
 * @param overview of the daemon
 * @param comparisons of old plugins with new ones
 */
record Node(
        Host host, Observation observation, Supplier<Overview> overview, Supplier<List<SeenComparison>> comparisons) {
    /**
     * A storage of the configuration.
     *
     * @param isEnabled whether it may be used on this node
     * @param isShared whether other nodes use it, too
     */
    record Configured(Storage storage, boolean isEnabled, boolean isShared) {}

    /** The storages, in the order of the configuration; those that may be used are asked for their status if need be. */
    List<Configured> storages() throws IOException {
        StorageService service = host.all();
        Map<String, StoragePlugin> types = types();
        List<Configured> all = new ArrayList<>();
        for (Storage storage : host.configuration().current().all()) {
            StoragePlugin plugin = types.get(storage.config().type());
            if (plugin != null) {
                all.add(new Configured(
                        storage,
                        service.isEnabled(storage.id()),
                        storage.config().flag("shared", plugin.isShared())));
            }
        }
        observation
                .statuses()
                .refresh(
                        all.stream()
                                .filter(Configured::isEnabled)
                                .map(Configured::storage)
                                .toList(),
                        types);
        return all;
    }

    /** Who answers for which type. What is asked for the page is not counted as somebody's call. */
    Map<String, StoragePlugin> types() {
        return new HashMap<>(host.types());
    }
}

package dev.tenon.web;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.host.CallStatistics;
import dev.tenon.host.RunningTransfers;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What is taken down of a daemon's calls while they are made, for whoever looks at the page later. */
public final class Observation {
    private final CallStatistics calls = new CallStatistics();
    private final RunningTransfers transfers = new RunningTransfers();
    private final Statuses statuses = new Statuses();

    /** The same plugins, whose calls are counted. */
    public Map<String, StoragePlugin> of(Map<String, StoragePlugin> types) {
        Map<String, StoragePlugin> observed = new TreeMap<>();
        types.forEach((type, plugin) -> {
            Decorator counted = calls.of(type);
            // One layer for all: most calls take microseconds.
            observed.put(type, Decorator.decorate(plugin, (call, next) -> around(counted, call, next)));
        });
        return observed;
    }

    private @Nullable Object around(Decorator counted, Call<?> call, Supplier<@Nullable Object> next) {
        Supplier<@Nullable Object> made = () -> counted.around(call, next);
        return switch (call.operation()) {
            case "exportVolume", "importVolume" -> transfers.around(call, made);
            case "status" -> statuses.around(call, made);
            default -> counted.around(call, next);
        };
    }

    CallStatistics calls() {
        return calls;
    }

    RunningTransfers transfers() {
        return transfers;
    }

    Statuses statuses() {
        return statuses;
    }
}

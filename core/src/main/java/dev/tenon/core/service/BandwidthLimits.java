package dev.tenon.core.service;

import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * How fast an operation may read and write, by PVE's rules: the slowest of what was asked for and what limits the
 * storages; the limit of the whole data centre where a storage has none; and no limit for those who may change it.
 */
final class BandwidthLimits {
    private static final int KIB = 1024;

    private final Storages storages;
    private final Permissions permissions;
    private final @Nullable String datacenter;

    BandwidthLimits(Storages storages, Permissions permissions, @Nullable String datacenter) {
        this.storages = storages;
        this.permissions = permissions;
        this.datacenter = datacenter;
    }

    OptionalLong of(BandwidthUse use, Collection<StorageId> involved, OptionalLong requested) {
        Limit limit = new Limit(use, requested);
        // Only a user who asked for a limit can have asked for more than allowed.
        boolean mayOverride = requested.isPresent();
        if (!involved.isEmpty()) {
            if (mayOverride && permissions.has("/storage", "Datastore.Allocate")) {
                return limit.bytesPerSecond();
            }
            for (StorageId id : new LinkedHashSet<>(involved)) {
                if (!mayOverride || !permissions.has("/storage/" + id, "Datastore.Allocate")) {
                    limit.apply(
                            storages.get(id).storage().config().text("bwlimit").orElse(null));
                }
            }
            if (!limit.isGlobalNeeded()) {
                return limit.bytesPerSecond();
            }
        }
        if (!mayOverride || !permissions.has("/", "Sys.Modify")) {
            limit.apply(datacenter);
        }
        return limit.bytesPerSecond();
    }

    private static final class Limit {
        private final BandwidthUse use;
        private OptionalLong lowest;
        private boolean globalNeeded;

        Limit(BandwidthUse use, OptionalLong requested) {
            this.use = use;
            this.lowest = requested;
        }

        void apply(@Nullable String setting) {
            OptionalLong limit = setting == null ? OptionalLong.empty() : parse(setting);
            if (limit.isEmpty()) {
                globalNeeded = true;
            } else if (lowest.isEmpty() || lowest.getAsLong() == 0 || limit.getAsLong() < lowest.getAsLong()) {
                lowest = limit;
            }
        }

        private OptionalLong parse(String setting) {
            Map<String, Long> limits = new HashMap<>();
            for (String item : setting.split(",", -1)) {
                int equals = item.indexOf('=');
                String name = equals < 0 ? "default" : item.substring(0, equals);
                limits.put(name, bytes(setting, item.substring(equals + 1)));
            }
            Long limit = limits.getOrDefault(use.word(), limits.get("default"));
            return limit == null ? OptionalLong.empty() : OptionalLong.of(limit);
        }

        private static long bytes(String setting, String kib) {
            try {
                double value = Double.parseDouble(kib);
                if (value >= 0 && value <= Long.MAX_VALUE / (double) KIB) {
                    return Math.round(value * KIB);
                }
            } catch (NumberFormatException e) {
                // told below, as is a number that is none for us
            }
            throw StorageException.refused(
                    StorageError.BAD_CONFIG,
                    "bwlimit " + Quoted.of(setting) + " is not a list of OPERATION=KIB_PER_SECOND");
        }

        boolean isGlobalNeeded() {
            return globalNeeded;
        }

        OptionalLong bytesPerSecond() {
            return lowest.isPresent() && lowest.getAsLong() == 0 ? OptionalLong.empty() : lowest;
        }
    }
}

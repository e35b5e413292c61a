package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.spi.Storage;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Warns of thin pools that are nearly full, once for each time that one becomes so: guests lose data when it is. */
final class FullPools {
    private static final Logger LOG = LoggerFactory.getLogger(FullPools.class);

    /** In percent. */
    private static final double NEARLY_FULL = 95;

    private final Set<String> warned = ConcurrentHashMap.newKeySet();

    void watch(Storage storage, LogicalVolume pool) {
        String name = pool.group() + "/" + pool.name();
        boolean isFull = isFull(pool.used()) || isFull(pool.metadataUsed());
        if (!isFull) {
            warned.remove(name);
        } else if (warned.add(name)) {
            LOG.warn(
                    "event=pool-nearly-full storage={} pool={} data={}% metadata={}%",
                    storage.id(), name, pool.used(), pool.metadataUsed());
        }
    }

    private static boolean isFull(@Nullable Double percent) {
        return percent != null && percent > NEARLY_FULL;
    }
}

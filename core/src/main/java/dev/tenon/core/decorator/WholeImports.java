package dev.tenon.core.decorator;

import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An import that broke off leaves no volume. For plugins that make the volume first and write into it then, and may end
 * in between: what has appeared under the wanted name is freed, as PVE's base class frees it. What had the name before is
 * not touched.
 */
public final class WholeImports implements Decorator {
    private static final String OPERATION = "importVolume";

    private final StoragePlugin plugin;

    /** Frees by means of this plugin, which is the one that is decorated, or what is around it already. */
    public WholeImports(StoragePlugin plugin) {
        this.plugin = plugin;
    }

    @Override
    public @Nullable Object around(Call call, Supplier<@Nullable Object> next) {
        if (!call.operation().equals(OPERATION)) {
            return next.get();
        }
        Storage storage = call.argument(Storage.class).orElseThrow();
        VolumeName volume = call.argument(VolumeName.class).orElseThrow();
        boolean wasThere = exists(storage, volume);
        try {
            return next.get();
        } catch (StorageException e) {
            if (e.outcome() == Outcome.UNKNOWN && !wasThere) {
                throw cleaned(storage, volume, e);
            }
            throw e;
        }
    }

    private StorageException cleaned(Storage storage, VolumeName volume, StorageException failure) {
        // The call may have been interrupted, which must not keep the removal from waiting for anything.
        boolean wasInterrupted = Thread.interrupted();
        VolumeId volid = new VolumeId(storage.id(), volume);
        try {
            if (exists(storage, volume)) {
                plugin.freeImage(
                                storage,
                                volume,
                                false,
                                plugin.parseVolname(volume).format())
                        .ifPresent(Cleanup::run);
            } else if (failure.error() == StorageError.PLUGIN_DIED) {
                return failure; // in the plugin's own words, down to the byte
            }
            return new StorageException(
                    failure.error(),
                    Outcome.FAILED_CLEAN,
                    failure.getMessage() + "; no volume '" + volid + "' is left",
                    failure);
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return new StorageException(
                    failure.error(),
                    Outcome.UNKNOWN,
                    failure.getMessage() + "; an unfinished volume '" + volid
                            + "' may be left, and could not be removed: " + e.getMessage(),
                    failure);
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private boolean exists(Storage storage, VolumeName volume) {
        ParsedVolume parsed = plugin.parseVolname(volume);
        if (parsed instanceof ParsedVolume.GuestImage) {
            VolumeId volid = new VolumeId(storage.id(), volume);
            return !plugin.listImages(storage, new ImageFilter.Named(List.of(volid)), OperationCache.create())
                    .isEmpty();
        }
        return plugin.listVolumes(storage, null, Set.of(parsed.type())).stream()
                .anyMatch(listed -> listed.volume().volid().volume().equals(volume));
    }
}

package dev.tenon.core.storage.common;

import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An import that leaves no volume if it fails. It is for plugins that make the volume first and then write into it: a plugin
 * that is lost in the middle has not removed the volume, and one whose stream was cut may take what came for the whole. The
 * volume that appeared under the wanted name is freed, as PVE's base class frees it; a volume that had the name before is
 * never touched, nor one whose name the plugin found taken.
 *
 * @param allowRename whether the plugin may have chosen another name
 */
public record WholeImport(StoragePlugin plugin, Storage storage, VolumeName volume, boolean allowRename) {
    private static final Logger LOG = LoggerFactory.getLogger(WholeImport.class);

    private enum Presence {
        PRESENT,
        ABSENT,
        /** It could not be asked. */
        UNKNOWN
    }

    /** The import itself. */
    @FunctionalInterface
    public interface Importing {
        /**
         * Makes it.
         *
         * @param wasFree whether nothing had the wanted name before, so that a survivor of a crash may free what has it then
         */
        VolumeId run(boolean wasFree);
    }

    /**
     * Makes the import.
     *
     * @param locked runs a removal, under the lock of the storage if its host has one
     * @throws StorageException what the import throws, with what is known of what it left
     */
    public VolumeId run(Importing importing, Consumer<Runnable> locked) {
        boolean wasFree = presence() == Presence.ABSENT;
        try {
            return importing.run(wasFree);
        } catch (StorageException e) {
            throw wasFree && !isTaken(e) ? withoutLeftovers(e, locked) : besideAnother(e);
        }
    }

    /** Whether the plugin found the name taken: then somebody else has taken it meanwhile, and what has it is not ours. */
    private static boolean isTaken(StorageException failure) {
        return switch (failure.error()) {
            case ALREADY_EXISTS -> true;
            case PLUGIN_DIED, COMMAND_FAILED ->
                String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT).contains("already exists");
            default -> false;
        };
    }

    private StorageException besideAnother(StorageException failure) {
        return allowRename && failure.outcome() == Outcome.FAILED_CLEAN
                ? unknown(failure, "an unfinished volume of another name may be left in storage '" + storage.id() + "'")
                : failure;
    }

    private StorageException withoutLeftovers(StorageException failure, Consumer<Runnable> locked) {
        // The call may have been interrupted, but looking must go on.
        return Uninterrupted.call(() -> switch (presence()) {
            case ABSENT -> clean(failure);
            case UNKNOWN -> unknown(failure, "look whether the unfinished volume '" + volid() + "' is left");
            case PRESENT ->
                Unfinished.removed(
                        plugin, storage, volume, plugin.parseVolname(volume).format(), failure, locked);
        });
    }

    /** A plugin that died and cleaned up itself keeps its own words, down to the byte. */
    private static StorageException clean(StorageException failure) {
        return failure.outcome() != Outcome.UNKNOWN || failure.error() == StorageError.PLUGIN_DIED
                ? failure
                : new StorageException(failure.error(), Outcome.FAILED_CLEAN, failure.getMessage(), failure);
    }

    private static StorageException unknown(StorageException failure, String what) {
        return new StorageException(failure.error(), Outcome.UNKNOWN, failure.getMessage() + "; " + what, failure);
    }

    private Presence presence() {
        try {
            return isListed() || hasSize() ? Presence.PRESENT : Presence.ABSENT;
        } catch (StorageException e) {
            LOG.warn("whether there is a volume '{}' cannot be told: {}", volid(), e.getMessage());
            return Presence.UNKNOWN;
        }
    }

    private boolean isListed() {
        ParsedVolume parsed = plugin.parseVolname(volume);
        return parsed instanceof ParsedVolume.GuestImage
                ? plugin.listImages(storage, new ImageFilter.Named(List.of(volid())), OperationCache.create()).stream()
                        .anyMatch(image -> image.volid().equals(volid()))
                : plugin.listVolumes(storage, null, EnumSet.of(parsed.type())).stream()
                        .anyMatch(listed -> listed.volume().volid().equals(volid()));
    }

    /** What is not listed, for instance because it is damaged, may have a size all the same. */
    private boolean hasSize() {
        try {
            SizeInfo info = plugin.volumeSizeInfo(storage, volume, null);
            return info.size() != null && info.size().bytes() > 0;
        } catch (StorageException e) {
            return false;
        }
    }

    private VolumeId volid() {
        return new VolumeId(storage.id(), volume);
    }
}

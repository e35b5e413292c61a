package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.ImageFiles;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a plugin in another language inherits unless it says otherwise: PVE's {@code PVE::Storage::Plugin}. Its methods call
 * those of the plugin, which may have some of its own. Nothing is done behind the plugin's back: it allocates and renames
 * its images itself, and it has no abilities beyond PVE's API.
 */
public final class InheritedBase extends DirectoryPlugin {
    private final StoragePlugin plugin;

    /** Answers the inherited methods of this plugin. */
    public InheritedBase(StoragePlugin plugin) {
        super(plugin);
        this.plugin = plugin;
    }

    @Override
    public Optional<Examinable> examinable() {
        return Optional.empty();
    }

    @Override
    public Optional<ImageFiles> imageFiles() {
        return Optional.empty();
    }

    /** The plugin decides what it lists. */
    @Override
    void refuseUnlisted(Vmid owner, String fileName) {}

    @Override
    List<String> namesTaken(Storage storage, Vmid owner) {
        return List.of();
    }

    @Override
    public Formats formats(Storage storage) {
        return plugin.pluginData().formatsOf(storage);
    }

    @Override
    public void lockStorage(StorageId storage, boolean isShared, @Nullable Duration timeout, Runnable work) {
        throw unsupported("cluster_lock_storage");
    }

    @Override
    public String identity(Storage storage) {
        throw unsupported("get_identity");
    }

    private StorageException unsupported(String method) {
        return StorageException.refused(
                StorageError.NOT_SUPPORTED, method + " is not implemented for storage type '" + plugin.type() + "'");
    }

    @Override
    public void snapshotVolume(Storage storage, VolumeName volume, SnapshotName snapshot) {
        new VolumeSnapshots(at(storage), volume).takeByRenaming(snapshot);
    }

    @Override
    public VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        return new VolumeImport(at(storage), volume, stream).run(format, transfer, allowRename, new AllocatedImport());
    }
}

package dev.tenon.core.storage.mounted;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.directory.ContentDirectories;
import dev.tenon.core.storage.directory.DirectoryPlugin;
import dev.tenon.core.storage.directory.ImportMetadata;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the storage types have in common whose volumes are files: {@code dir} and what is mounted. */
public abstract class FilePlugin extends DirectoryPlugin {
    /** Must be set when the storage is added, and never changes. */
    protected static final PropertyOption FIXED = new PropertyOption(false, true);

    protected static final PropertyOption OPTIONAL = new PropertyOption(true, false);
    protected static final PropertyOption OPTIONAL_FIXED = new PropertyOption(true, true);

    private static final List<String> OPTIONS_OF_ALL = List.of(
            "content-dirs",
            "nodes",
            "disable",
            "prune-backups",
            "max-protected-backups",
            "content",
            "format",
            "mkdir",
            "create-base-path",
            "create-subdirs",
            "bwlimit");

    private final Path mounts;

    /** Reads what is mounted from this file. */
    protected FilePlugin(Path mounts) {
        this.mounts = mounts;
    }

    /** As the other, where the list of guests is elsewhere, too. */
    protected FilePlugin(Path mounts, Path guests) {
        super(guests);
        this.mounts = mounts;
    }

    /** The options that all of these types have, to which a type adds its own. */
    protected static Map<String, PropertyOption> commonOptions() {
        Map<String, PropertyOption> options = new LinkedHashMap<>();
        options.put("path", FIXED);
        OPTIONS_OF_ALL.forEach(name -> options.put(name, OPTIONAL));
        return options;
    }

    /**
     * A property.
     *
     * @param more further keywords of its schema
     */
    protected static PropertySchema schema(String type, String description, Map<String, Object> more) {
        Map<String, Object> attributes = new LinkedHashMap<>(more);
        attributes.put("type", type);
        attributes.put("description", description);
        return new PropertySchema(attributes);
    }

    /** What is mounted, as this operation knows it. */
    final KnownMounts mounts(OperationCache cache) {
        return cache.get("mounts:" + mounts, KnownMounts.class, () -> new KnownMounts(mounts));
    }

    /** Whether anything is mounted on this directory. */
    protected final boolean isMountPoint(Path directory, OperationCache cache) {
        return mounts(cache).table().isMountPoint(directory);
    }

    /** Makes the path of the storage, if the configuration lets it. */
    protected static void makeBase(Storage storage) {
        if (storage.config().flag("create-base-path", storage.config().flag("mkdir", true))) {
            makeDirectories(storage, base(storage));
        }
    }

    /**
     * The path of the storage.
     *
     * @throws StorageException {@code BAD_CONFIG} if it has none
     */
    protected static Path base(Storage storage) {
        return Paths.of(ContentDirectories.base(storage));
    }

    /**
     * A path in the configuration.
     *
     * @throws StorageException {@code BAD_CONFIG}
     */
    protected static Path configured(String path) {
        try {
            return Path.of(path);
        } catch (InvalidPathException e) {
            throw StorageException.refused(StorageError.BAD_CONFIG, "path " + Quoted.of(path) + " is illegal");
        }
    }

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        if (!holds(storage, format)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "unable to allocate an image of unsupported format " + Quoted.of(format.word()) + " on storage '"
                            + storage.id() + "' of type '" + type() + "'");
        }
        if (format != Format.Image.SUBVOL && size.bytes() == 0) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "unable to allocate an image of 0 bytes on storage '" + storage.id() + "': no guest could use it");
        }
        return super.allocImage(storage, owner, format, name, size);
    }

    @Override
    public SnapshotMethod snapshotMethod(Storage storage, VolumeName volume) {
        SnapshotMethod method = super.snapshotMethod(storage, volume);
        return method == SnapshotMethod.QEMU && hasSnapshotChains(storage) ? SnapshotMethod.MIXED : method;
    }

    @Override
    public Optional<String> attribute(Storage storage, VolumeName volume, VolumeAttribute attribute) {
        return backupAttribute(storage, volume, attribute);
    }

    @Override
    public void updateAttribute(Storage storage, VolumeName volume, VolumeAttribute attribute, @Nullable String value) {
        updateBackupAttribute(storage, volume, attribute, value);
    }

    @Override
    public Map<String, Object> importMetadata(Storage storage, VolumeName volume) {
        Path file = Paths.of(filesystemPath(storage, volume, null).path());
        VolumeId volid = new VolumeId(storage.id(), volume);
        ImportMetadata metadata = ImportMetadata.of(volid, parseVolname(volume), file);
        refuseWayOut(storage, volume, file);
        return metadata.read();
    }
}

package dev.tenon.it.support;

import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.storage.common.DevicePlugin;
import dev.tenon.core.storage.common.VolumeNames;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A storage type whose volumes are in the memory of this process: it has no files, no directories and no path. */
public final class MemoryPlugin extends DevicePlugin {
    private static final ByteSize SPACE = ByteSize.ofBytes(1L << 40);
    private static final PluginData DATA = new PluginData(
            Set.of("images", "rootdir"), Set.of("images"), Set.of("raw"), "raw", Set.of(), Set.of(), false, Map.of());

    private final String room;
    private final Map<VolumeName, SparseFile> volumes = new ConcurrentHashMap<>();

    /** Its storages are in this room; one of another room cannot be reached. */
    public MemoryPlugin(String room) {
        this.room = room;
    }

    @Override
    public String type() {
        return "memory";
    }

    @Override
    public PluginData pluginData() {
        return DATA;
    }

    @Override
    public Map<String, PropertySchema> properties() {
        return Map.of("room", new PropertySchema(Map.of("type", "string", "description", "Where the volumes are.")));
    }

    @Override
    public Map<String, PropertyOption> options() {
        PropertyOption optional = new PropertyOption(true, false);
        return Map.of("room", new PropertyOption(false, true), "content", optional, "disable", optional);
    }

    @Override
    public ParsedVolume parseVolname(VolumeName volume) {
        ParsedVolume parsed = VolumeNames.parse(volume);
        if (parsed instanceof ParsedVolume.GuestImage && parsed.format() == Format.Image.RAW) {
            return parsed;
        }
        throw StorageException.refused(
                StorageError.INVALID_NAME, "no name of a volume in memory: " + Quoted.of(volume.value()));
    }

    @Override
    public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        ParsedVolume parsed = parseVolname(volume);
        if (snapshot != null) {
            throw StorageException.refused(StorageError.NOT_SUPPORTED, "a volume in memory has no snapshots");
        }
        return new VolumePath("memory:" + room + "/" + volume, parsed.owner(), parsed.type());
    }

    private SparseFile present(VolumeName volume) {
        parseVolname(volume);
        SparseFile bytes = volumes.get(volume);
        if (bytes == null) {
            throw StorageException.refused(StorageError.NOT_FOUND, "volume '" + volume + "' does not exist");
        }
        return bytes;
    }

    @Override
    public Optional<String> mapVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, Hints hints) {
        return Optional.of(present(volume).pathForOthers().toString());
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        activateStorage(storage, cache);
        return volumes.entrySet().stream()
                .map(entry -> new VolumeInfo(
                        new VolumeId(storage.id(), entry.getKey()),
                        Format.Image.RAW,
                        size(entry.getValue()),
                        parseVolname(entry.getKey()).owner(),
                        null,
                        null,
                        null,
                        Map.of()))
                .filter(image -> filter.accepts(image.volid(), Optional.ofNullable(image.owner())))
                .toList();
    }

    private static ByteSize size(SparseFile bytes) {
        return ByteSize.ofBytes(inMemory(bytes::size));
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        return new SizeInfo(size(present(volume)), Format.Image.RAW, null, null, null);
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        return isReachable(storage)
                ? new StorageStatus.Active(SPACE, SPACE, ByteSize.ofBytes(0))
                : new StorageStatus.Inactive();
    }

    private boolean isReachable(Storage storage) {
        return storage.config().text("room").equals(Optional.of(room));
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        if (!isReachable(storage)) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE, "the room of storage '" + storage.id() + "' is elsewhere");
        }
    }

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        present(volume);
    }

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        if (format != Format.Image.RAW) {
            throw StorageException.refused(StorageError.NOT_SUPPORTED, "unsupported format '" + format.word() + "'");
        }
        String wanted = name == null ? findFreeDiskname(storage, owner, format, true) : name;
        VolumeName volume = new VolumeName(owner + "/" + wanted);
        parseVolname(volume);
        SparseFile bytes = inMemory(
                () -> SparseFile.inMemory(ByteSize.ofKib(size.kibRoundedUp()).bytes()));
        if (volumes.putIfAbsent(volume, bytes) != null) {
            bytes.close();
            throw StorageException.refused(StorageError.ALREADY_EXISTS, "volume '" + volume + "' already exists");
        }
        return volume;
    }

    @Override
    protected Optional<Cleanup> remove(Storage storage, VolumeName volume) {
        Optional.ofNullable(volumes.remove(volume)).ifPresent(SparseFile::close);
        return Optional.empty();
    }

    @Override
    public void resizeVolume(
            Storage storage, VolumeName volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        SparseFile bytes = present(volume);
        inMemory(() -> {
            bytes.setSize(ByteSize.ofKib(size.kibRoundedUp()).bytes());
            return bytes;
        });
    }

    private static <T> T inMemory(Callable<T> work) {
        try {
            return work.call();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}

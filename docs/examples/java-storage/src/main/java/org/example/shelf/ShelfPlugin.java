package org.example.shelf;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.NamePattern;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
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
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A storage type of one's own: raw images as files of one flat directory, named {@code disk-GUEST-NUMBER}. */
public final class ShelfPlugin extends DevicePlugin {
    private static final String DIRECTORY = "shelf-path";

    private static final List<NamePattern> NAMES = List.of(
            new NamePattern(Pattern.compile("disk-(?<guest>[1-9][0-9]{2,8})-[0-9]{1,4}"), ContentType.IMAGES, false));

    @Override
    public String type() {
        return "shelf";
    }

    @Override
    public PluginData pluginData() {
        return new PluginData(
                Set.of("images"), Set.of("images"), Set.of("raw"), "raw", Set.of(), Set.of(), false, Map.of());
    }

    /** Properties of PVE belong to all types, so one's own have a name that no other type uses. */
    @Override
    public Map<String, PropertySchema> properties() {
        return Map.of(
                DIRECTORY,
                new PropertySchema(Map.of("type", "string", "description", "The directory that holds the images.")));
    }

    @Override
    public Map<String, PropertyOption> options() {
        PropertyOption optional = new PropertyOption(true, false);
        return Map.of(
                DIRECTORY,
                new PropertyOption(false, true),
                "content",
                optional,
                "nodes",
                optional,
                "disable",
                optional);
    }

    @Override
    public List<NamePattern> namePatterns() {
        return NAMES;
    }

    @Override
    public ParsedVolume parseVolname(VolumeName volume) {
        return parsed(volume)
                .orElseThrow(() -> StorageException.refused(
                        StorageError.INVALID_NAME, "unable to parse shelf volume name '" + volume + "'"));
    }

    private static Optional<ParsedVolume> parsed(VolumeName volume) {
        Matcher name = NAMES.getFirst().pattern().matcher(volume.value());
        return name.matches()
                ? Optional.of(new ParsedVolume.GuestImage(
                        volume.value(), new Vmid(Long.parseLong(name.group("guest"))), null, false, Format.Image.RAW))
                : Optional.empty();
    }

    private static Path directory(Storage storage) {
        return storage.config()
                .text(DIRECTORY)
                .map(Path::of)
                .orElseThrow(() -> StorageException.refused(
                        StorageError.BAD_CONFIG, "storage '" + storage.id() + "' has no " + DIRECTORY));
    }

    private Path file(Storage storage, VolumeName volume) {
        parseVolname(volume);
        return directory(storage).resolve(volume.value());
    }

    @Override
    public VolumePath path(Storage storage, VolumeName volume, SnapshotName snapshot) {
        if (snapshot != null) {
            throw StorageException.refused(StorageError.NOT_SUPPORTED, "a shelf has no snapshots");
        }
        ParsedVolume parsed = parseVolname(volume);
        return new VolumePath(file(storage, volume).toString(), parsed.owner(), parsed.type());
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        List<VolumeInfo> found = new ArrayList<>();
        try (Stream<Path> files = Files.list(directory(storage))) {
            for (Path file : files.sorted().toList()) {
                VolumeName volume = new VolumeName(file.getFileName().toString());
                Optional<ParsedVolume> parsed = parsed(volume);
                VolumeId id = new VolumeId(storage.id(), volume);
                if (parsed.isPresent()
                        && filter.accepts(id, Optional.ofNullable(parsed.get().owner()))) {
                    found.add(new VolumeInfo(
                            id,
                            Format.Image.RAW,
                            ByteSize.ofBytes(Files.size(file)),
                            parsed.get().owner(),
                            null,
                            null,
                            null,
                            Map.of()));
                }
            }
            return found;
        } catch (IOException e) {
            throw unavailable(storage, e);
        }
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, Duration timeout) {
        Path file = file(storage, volume);
        try {
            return new SizeInfo(ByteSize.ofBytes(Files.size(file)), Format.Image.RAW, null, null, null);
        } catch (IOException e) {
            throw StorageException.refused(StorageError.NOT_FOUND, "volume '" + volume + "' does not exist");
        }
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        try {
            FileStore store = Files.getFileStore(directory(storage));
            long total = store.getTotalSpace();
            long available = store.getUsableSpace();
            return new StorageStatus.Active(
                    ByteSize.ofBytes(total), ByteSize.ofBytes(available), ByteSize.ofBytes(total - available));
        } catch (IOException e) {
            return new StorageStatus.Inactive();
        }
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        try {
            Files.createDirectories(directory(storage));
        } catch (IOException e) {
            throw unavailable(storage, e);
        }
    }

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, SnapshotName snapshot, OperationCache cache, Hints hints) {
        volumeSizeInfo(storage, volume, null);
    }

    @Override
    public String findFreeDiskname(Storage storage, Vmid owner, Format format, boolean addSuffix) {
        for (int number = 0; number < 10_000; number++) {
            String name = "disk-" + owner + "-" + number;
            if (!Files.exists(directory(storage).resolve(name))) {
                return name;
            }
        }
        throw StorageException.refused(StorageError.NO_SPACE, "guest " + owner + " has used up its names");
    }

    /** The host holds the storage's lock, so nobody else takes the name meanwhile. */
    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, String name, ByteSize size) {
        if (format != Format.Image.RAW) {
            throw StorageException.refused(StorageError.NOT_SUPPORTED, "a shelf has raw images only");
        }
        VolumeName volume = new VolumeName(name == null ? findFreeDiskname(storage, owner, format, false) : name);
        Path file = file(storage, volume);
        try {
            Files.createFile(file);
            try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "rw")) {
                image.setLength(size.bytes());
            }
            return volume;
        } catch (FileAlreadyExistsException e) {
            throw StorageException.refused(StorageError.ALREADY_EXISTS, "volume '" + volume + "' already exists");
        } catch (IOException e) {
            throw unavailable(storage, e);
        }
    }

    @Override
    protected Optional<Cleanup> remove(Storage storage, VolumeName volume) {
        try {
            Files.deleteIfExists(file(storage, volume));
            return Optional.empty();
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.PERMISSION_DENIED,
                    Outcome.FAILED_CLEAN,
                    "unable to remove volume '" + volume + "': " + e.getMessage(),
                    e);
        }
    }

    private static StorageException unavailable(Storage storage, IOException e) {
        return new StorageException(
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.NOT_STARTED,
                "storage '" + storage.id() + "' cannot be used: " + e,
                e);
    }
}

package dev.tenon.it.sidebyside;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A storage in Java, used as {@code PVE::Storage} uses a plugin. */
final class JavaSide implements Side {
    private final StoragePlugin plugin;
    private final Storage storage;
    private final Path directory;

    /** @param directory what answers call a directory on both sides */
    JavaSide(StoragePlugin plugin, Storage storage, Path directory) {
        this.plugin = plugin;
        this.storage = storage;
        this.directory = directory;
    }

    /** One of type {@code dir}. */
    static JavaSide ofDirectory(String id, Path directory, boolean hasSnapshotChains) {
        Map<String, Object> section = new LinkedHashMap<>();
        section.put("path", directory.toString());
        section.put("content", Map.of("images", "1"));
        if (hasSnapshotChains) {
            section.put("snapshot-as-volume-chain", "1");
        }
        return new JavaSide(new DirPlugin(), Storage.of(id, "dir", section), directory);
    }

    @Override
    public Path directory() {
        return directory;
    }

    @Override
    public Answer call(Operation operation) {
        try {
            return Answer.of(result(operation), directory.toString());
        } catch (StorageException e) {
            return Answer.refused(e.getMessage(), directory.toString());
        }
    }

    private @Nullable Object result(Operation operation) {
        return switch (operation.function()) {
            case "vdisk_alloc" ->
                id(plugin.allocImage(
                        storage,
                        new Vmid(operation.number(1)),
                        Format.ofWord(operation.text(2)),
                        operation.optional(3).orElse(null),
                        ByteSize.ofKib(operation.number(4))));
            case "vdisk_clone" ->
                id(plugin.cloneImage(
                        storage, volume(operation), new Vmid(operation.number(1)), snapshot(operation.optional(2))));
            case "vdisk_create_base" -> id(plugin.createBase(storage, volume(operation)));
            case "vdisk_free" -> free(volume(operation));
            case "rename_volume" ->
                plugin.renameVolume(
                        storage,
                        volume(operation),
                        new Vmid(operation.number(1)),
                        operation.optional(2).map(VolumeName::new).orElse(null));
            case "volume_resize" -> {
                plugin.resizeVolume(storage, volume(operation), ByteSize.ofBytes(operation.number(1)), false, null);
                yield null;
            }
            case "volume_snapshot" -> {
                plugin.snapshotVolume(storage, volume(operation), new SnapshotName(operation.text(1)));
                yield null;
            }
            case "volume_snapshot_rollback" -> rollback(volume(operation), new SnapshotName(operation.text(1)));
            case "volume_snapshot_delete" -> {
                plugin.deleteSnapshot(storage, volume(operation), new SnapshotName(operation.text(1)), false);
                yield null;
            }
            case "volume_snapshot_info" -> snapshots(plugin.snapshots(storage, volume(operation)));
            case "volume_size_info" -> sizeInfo(plugin.volumeSizeInfo(storage, volume(operation), null));
            case "volume_has_feature" ->
                plugin.hasFeature(
                        storage,
                        Feature.ofWord(operation.text(0)).orElseThrow(),
                        volume(operation),
                        snapshot(operation.optional(2)),
                        false,
                        null);
            case "path" ->
                plugin.path(storage, volume(operation), snapshot(operation.optional(1)))
                        .path();
            case "find_free_diskname" ->
                plugin.findFreeDiskname(storage, new Vmid(operation.number(1)), Format.ofWord(operation.text(2)), true);
            default -> throw new IllegalArgumentException(operation.toString());
        };
    }

    private VolumeId id(VolumeName volume) {
        return new VolumeId(storage.id(), volume);
    }

    private static VolumeName volume(Operation operation) {
        return VolumeId.parse(operation.volid().orElseThrow()).volume();
    }

    private static @Nullable SnapshotName snapshot(Optional<String> name) {
        return name.map(SnapshotName::new).orElse(null);
    }

    private @Nullable Object free(VolumeName volume) {
        ParsedVolume parsed = plugin.parseVolname(volume);
        boolean isBase = parsed instanceof ParsedVolume.GuestImage image && image.isBase();
        if (isBase && isUsed(parsed)) {
            throw StorageException.refused(
                    StorageError.IN_USE, "base volume '" + volume + "' is still in use by linked clones");
        }
        plugin.freeImage(storage, volume, isBase, parsed.format()).ifPresent(Cleanup::run);
        return null;
    }

    private boolean isUsed(ParsedVolume base) {
        return images(ImageFilter.all()).stream()
                .map(image -> plugin.parseVolname(image.volid().volume()))
                .anyMatch(image -> image instanceof ParsedVolume.GuestImage clone && isOf(clone.base(), base));
    }

    private static boolean isOf(ParsedVolume.@Nullable Base named, ParsedVolume base) {
        return named != null && named.name().equals(base.name()) && Objects.equals(named.owner(), base.owner());
    }

    private @Nullable Object rollback(VolumeName volume, SnapshotName snapshot) {
        if (plugin.rollbackIsPossible(storage, volume, snapshot) instanceof Rollback.Blocked blocked) {
            throw StorageException.refused(StorageError.IN_USE, blocked.reason());
        }
        plugin.rollback(storage, volume, snapshot);
        return null;
    }

    private static Map<String, Object> snapshots(Map<String, SnapshotInfo> infos) {
        Map<String, Object> snapshots = new LinkedHashMap<>();
        infos.forEach((name, info) -> {
            Map<String, Object> compared = new LinkedHashMap<>(info.other());
            ByteSize size = info.virtualSize();
            if (size != null && !compared.isEmpty()) {
                compared.put("virtual-size", size.bytes());
            }
            snapshots.put(name, compared);
        });
        return snapshots;
    }

    private static List<@Nullable Object> sizeInfo(SizeInfo info) {
        return Arrays.asList(
                Objects.requireNonNull(info.size()).bytes(), info.format().word(), info.parent());
    }

    private List<VolumeInfo> images(ImageFilter filter) {
        return plugin.listImages(storage, filter, OperationCache.create());
    }

    @Override
    public List<Listed> list(@Nullable String guest) {
        return images(guest == null ? ImageFilter.all() : new ImageFilter.OfGuest(new Vmid(Long.parseLong(guest))))
                .stream()
                .map(image -> new Listed(
                        image.volid().toString(),
                        image.format().word(),
                        Objects.requireNonNull(image.size()).bytes(),
                        String.valueOf(image.owner()),
                        image.used() == null ? -1 : image.used().bytes(),
                        image.parent()))
                .sorted(Comparator.comparing(Listed::volid))
                .toList();
    }
}

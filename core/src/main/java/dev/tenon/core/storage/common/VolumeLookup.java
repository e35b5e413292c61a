package dev.tenon.core.storage.common;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Tells which volume of a storage with a path a file is (PVE's {@code path_to_volume_id}). */
public final class VolumeLookup {
    private static final List<ContentType> FILES =
            List.of(ContentType.ISO, ContentType.VZTMPL, ContentType.BACKUP, ContentType.SNIPPETS, ContentType.IMPORT);

    private VolumeLookup() {}

    /**
     * The volume that lies at this path. Symbolic links are followed first, so a link that leads out of the storage is not a
     * volume, and one that leads into it is the volume it leads to. A file that is missing is still the volume it would be,
     * unless it would be an image.
     *
     * @param path absolute
     * @return empty if it is no volume of this storage
     * @throws StorageException {@code STORAGE_UNAVAILABLE} if the images cannot be listed
     */
    public static Optional<VolumeId> find(StoragePlugin plugin, Storage storage, Path path) {
        if (storage.config().text("path").filter(base -> !base.isEmpty()).isEmpty()) {
            return Optional.empty();
        }
        Path file = real(path);
        return image(plugin, storage, file)
                .or(() -> FILES.stream()
                        .map(type -> content(plugin, storage, type, file))
                        .flatMap(Optional::stream)
                        .findFirst());
    }

    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            Path plain = path.normalize();
            Path parent = plain.getParent();
            Path name = plain.getFileName();
            return parent == null || name == null ? plain : real(parent).resolve(name);
        }
    }

    private static Optional<VolumeId> image(StoragePlugin plugin, Storage storage, Path file) {
        Path images = real(Paths.of(plugin.getSubdir(storage, ContentType.IMAGES)));
        if (!file.startsWith(images) || images.relativize(file).getNameCount() < 2) {
            return Optional.empty();
        }
        Optional<Vmid> owner =
                VolumeNames.vmid(images.relativize(file).getName(0).toString());
        if (owner.isEmpty()) {
            return Optional.empty();
        }
        return plugin.listImages(storage, new ImageFilter.OfGuest(owner.get()), OperationCache.create()).stream()
                .map(VolumeInfo::volid)
                .filter(volid -> isAt(plugin.path(storage, volid.volume(), null).path(), file))
                .findFirst();
    }

    private static boolean isAt(String path, Path file) {
        return path.startsWith("/") && real(Path.of(path)).equals(file);
    }

    private static Optional<VolumeId> content(StoragePlugin plugin, Storage storage, ContentType type, Path file) {
        Path directory = real(Paths.of(plugin.getSubdir(storage, type)));
        Path name = file.getFileName();
        if (name == null || !directory.equals(file.getParent())) {
            return Optional.empty();
        }
        try {
            VolumeName volume = new VolumeName(type.word() + "/" + name);
            boolean isVolume =
                    plugin.parseVolname(volume) instanceof ParsedVolume.Content content && content.type() == type;
            return isVolume ? Optional.of(new VolumeId(storage.id(), volume)) : Optional.empty();
        } catch (StorageException e) {
            return Optional.empty(); // a file of another kind
        }
    }
}

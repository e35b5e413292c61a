package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.common.VolumeNames;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lists the images of a storage: the files {@code VMID/NAME} in its directory of images. */
final class ImageListing {
    private static final Logger LOG = LoggerFactory.getLogger(ImageListing.class);
    private static final Pattern CLONE_OF = Pattern.compile("\\.\\./(\\d+)/([^/]+\\.(?:raw|qcow2|vmdk|subvol))");

    private final Storage storage;
    private final Path images;
    private final Set<String> formats;
    private final ImageFilter filter;
    private final Set<VolumeId> named;
    private final StorageBounds bounds;

    private ImageListing(Storage storage, Path images, Set<String> formats, ImageFilter filter) {
        this.storage = storage;
        this.images = images;
        this.formats = formats.isEmpty() ? Set.of(Format.Image.RAW.word()) : formats;
        this.filter = filter;
        bounds = StorageBounds.of(storage, images);
        named = filter instanceof ImageFilter.Named(List<VolumeId> volumes) ? new HashSet<>(volumes) : Set.of();
    }

    static List<VolumeInfo> list(StoragePlugin plugin, Storage storage, ImageFilter filter) {
        return list(plugin, storage, filter, plugin.pluginData().formats());
    }

    /** As the other, of these formats. */
    static List<VolumeInfo> list(StoragePlugin plugin, Storage storage, ImageFilter filter, Set<String> formats) {
        Path images = Paths.of(plugin.getSubdir(storage, ContentType.IMAGES));
        return new ImageListing(storage, images, formats, filter).list();
    }

    private List<VolumeInfo> list() {
        if (!imagesExist()) {
            return List.of();
        }
        List<VolumeInfo> found = new ArrayList<>();
        for (Vmid owner : owners()) {
            if (bounds.isLinkOut(images.resolve(owner.toString()), storage.id() + ":" + owner)) {
                continue;
            }
            for (String name : names(images.resolve(owner.toString()))) {
                VolumeNames.ImageName.find(name)
                        .filter(image -> formats.contains(image.format().word()))
                        .map(image -> entry(owner, image))
                        .ifPresent(found::add);
            }
        }
        return found;
    }

    /** Whether there is a directory of images; a storage that is not there at all is an error. */
    private boolean imagesExist() {
        try {
            FileStatus.of(images);
            return true;
        } catch (NoSuchFileException e) {
            if (Files.isDirectory(Paths.of(ContentDirectories.base(storage)))) {
                return false;
            }
            throw unavailable(e);
        } catch (IOException e) {
            throw unavailable(e);
        }
    }

    private Iterable<Vmid> owners() {
        return switch (filter) {
            case ImageFilter.All() -> {
                List<Vmid> owners = new ArrayList<>();
                for (String name : children(images)) {
                    ownerOf(name).ifPresent(owners::add);
                }
                owners.sort(Comparator.comparingLong(Vmid::value));
                yield owners;
            }
            case ImageFilter.OfGuest(Vmid owner) ->
                ownerOf(owner.toString()).map(List::of).orElse(List.of());
            case ImageFilter.Named(List<VolumeId> volumes) -> {
                Set<Vmid> owners = new TreeSet<>(Comparator.comparingLong(Vmid::value));
                for (VolumeId volume : volumes) {
                    String[] parts = volume.volume().value().split("/", -1);
                    if (volume.storage().equals(storage.id()) && parts.length >= 2) {
                        ownerOf(parts[parts.length - 2]).ifPresent(owners::add);
                    }
                }
                yield owners;
            }
        };
    }

    private static Optional<Vmid> ownerOf(String directory) {
        return VolumeNames.isGuestDirectory(directory) ? VolumeNames.vmid(directory) : Optional.empty();
    }

    /** The names of all files of this guest that are called like images, whether they can be listed or not. */
    static List<String> namesOf(StoragePlugin plugin, Storage storage, Vmid owner) {
        Path directory = Paths.of(plugin.getSubdir(storage, ContentType.IMAGES)).resolve(owner.toString());
        try {
            return DirectoryNames.in(directory).stream()
                    .filter(name -> VolumeNames.ImageName.find(name).isPresent())
                    .toList();
        } catch (IOException e) {
            return List.of(); // who makes an image there will tell
        }
    }

    private List<String> names(Path guestDirectory) {
        try {
            return DirectoryNames.in(guestDirectory);
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of();
        } catch (IOException e) {
            LOG.warn("images in '{}' are not listed: {}", guestDirectory, Failures.reason(e));
            return List.of();
        }
    }

    private List<String> children(Path directory) {
        try {
            return DirectoryNames.in(directory);
        } catch (IOException e) {
            throw unavailable(e);
        }
    }

    private @Nullable VolumeInfo entry(Vmid owner, VolumeNames.ImageName image) {
        Path file = images.resolve(owner.toString()).resolve(image.name());
        if (bounds.isLinkOut(file, storage.id() + ":" + owner + "/" + image.name())) {
            return null;
        }
        ImageInfo info;
        try {
            info = ImageInfo.read(file, image.format());
        } catch (ClosedByInterruptException e) {
            throw unavailable(e);
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            LOG.warn("image '{}' is not listed: {}", file, Failures.reason(e));
            return null;
        }
        Optional<VolumeName> name = volumeName(owner, image.name(), info.backingFile());
        if (name.isEmpty()) {
            return null;
        }
        VolumeId volid = new VolumeId(storage.id(), name.get());
        if (!isWanted(volid)) {
            return null;
        }
        // Every image mentions its parent, in PVE too.
        Set<String> blank = info.backingFile() == null ? Set.of("parent") : Set.of();
        return new VolumeInfo(
                volid,
                info.format(),
                info.size(),
                owner,
                info.used(),
                info.backingFile(),
                info.ctime(),
                Map.of(),
                blank);
    }

    private boolean isWanted(VolumeId volid) {
        return switch (filter) {
            case ImageFilter.All all -> true;
            case ImageFilter.OfGuest guest -> true;
            case ImageFilter.Named volumes -> named.contains(volid);
        };
    }

    /** The name of a linked clone tells its base image; it must still be one that can be freed by that name. */
    private static Optional<VolumeName> volumeName(Vmid owner, String name, @Nullable String backing) {
        String plain = owner + "/" + name;
        if (backing != null) {
            Matcher cloneOf = CLONE_OF.matcher(backing);
            if (cloneOf.matches()) {
                Optional<VolumeName> clone = parsable(cloneOf.group(1) + "/" + cloneOf.group(2) + "/" + plain);
                if (clone.isPresent()) {
                    return clone;
                }
            }
        }
        return parsable(plain);
    }

    private static Optional<VolumeName> parsable(String text) {
        try {
            VolumeName name = new VolumeName(text);
            VolumeNames.parse(name);
            return Optional.of(name);
        } catch (StorageException e) {
            return Optional.empty();
        }
    }

    private StorageException unavailable(IOException failure) {
        return new StorageException(
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.NOT_STARTED,
                "unable to list the images of storage '" + storage.id() + "' in '" + images + "': "
                        + Failures.reason(failure),
                failure);
    }
}

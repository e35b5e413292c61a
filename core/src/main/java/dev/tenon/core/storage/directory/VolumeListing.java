package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.storage.common.DevicePlugin;
import dev.tenon.core.storage.common.GuestTypes;
import dev.tenon.core.storage.common.Paths;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Lists volumes of several kinds of content. */
final class VolumeListing {
    private VolumeListing() {}

    /** Images come first, then the other kinds in the order in which they are asked for, as in PVE. */
    static List<ListedVolume> list(
            StoragePlugin plugin, Storage storage, @Nullable Vmid owner, Set<ContentType> content, Path guests) {
        List<ListedVolume> found = new ArrayList<>();
        if (content.contains(ContentType.IMAGES) || content.contains(ContentType.ROOTDIR)) {
            found.addAll(DevicePlugin.listedImages(plugin, storage, owner, content, GuestTypes.read(guests)));
        }
        if (ContentDirectories.hasBase(storage)) {
            content.stream()
                    .filter(type -> isListed(type, owner))
                    .map(type -> ContentListing.list(storage, type, Paths.of(plugin.getSubdir(storage, type)), owner))
                    .forEach(found::addAll);
        }
        return found;
    }

    /** Images and templates belong to no guest. */
    private static boolean isListed(ContentType type, @Nullable Vmid owner) {
        return switch (type) {
            case BACKUP, IMPORT, SNIPPETS -> true;
            case ISO, VZTMPL -> owner == null;
            case IMAGES, NONE, ROOTDIR -> false;
        };
    }
}

package dev.tenon.core.storage.mounted.btrfs;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.common.VolumeNames;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Lists the images of a storage that are subvolumes. */
record SubvolumeListing(BtrfsPlugin plugin, Storage storage) {
    List<VolumeInfo> images(ImageFilter filter) {
        List<VolumeInfo> found = new ArrayList<>();
        Path images = Paths.of(plugin.getSubdir(storage, ContentType.IMAGES));
        for (Path directory : Snapshots.guestDirectories(images)) {
            Optional<Vmid> owner = VolumeNames.vmid(String.valueOf(directory.getFileName()));
            for (String entry : Snapshots.subvolumesIn(directory)) {
                VolumeName volume = new VolumeName(directory.getFileName() + "/" + imageName(entry));
                VolumeId volid = new VolumeId(storage.id(), volume);
                if (owner.isPresent() && filter.accepts(volid, owner)) {
                    info(volid, owner.get()).ifPresent(found::add);
                }
            }
        }
        return found;
    }

    private static String imageName(String entry) {
        return entry.endsWith(".subvol") ? entry : entry + ".raw";
    }

    private Optional<VolumeInfo> info(VolumeId volid, Vmid owner) {
        try {
            SizeInfo size = plugin.volumeSizeInfo(storage, volid.volume(), null);
            return Optional.of(new VolumeInfo(
                    volid, size.format(), size.size(), owner, size.used(), null, size.ctime(), Map.of()));
        } catch (StorageException e) {
            return Optional.empty(); // gone meanwhile, or no image
        }
    }
}

package dev.tenon.core.backup.host;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.DeviceName;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What is restored, and where it goes.
 *
 * @param directory takes the configuration files, and what has no other place: each disk as a raw file that is named after
 *     its device, the files of a container in {@code rootfs}. It is made if it is missing, and is empty otherwise
 * @param elsewhere disks that go over what is there, which is at least as large
 * @param only the disks that are restored, beside those that go over what is there; empty for all
 * @param bytesPerSecond how fast disks are written, empty for no limit
 */
public record RestoreRequest(
        VolumeId archive,
        Path directory,
        Map<DeviceName, Existing> elsewhere,
        Set<DeviceName> only,
        OptionalLong bytesPerSecond) {
    /** An image or block device that is there, and is overwritten. */
    public record Existing(Path path, Format.Image format) {}

    public RestoreRequest {
        elsewhere = Map.copyOf(elsewhere);
        only = Set.copyOf(only);
    }

    /** Of all disks. */
    public RestoreRequest(
            VolumeId archive, Path directory, Map<DeviceName, Existing> elsewhere, OptionalLong bytesPerSecond) {
        this(archive, directory, elsewhere, Set.of(), bytesPerSecond);
    }
}

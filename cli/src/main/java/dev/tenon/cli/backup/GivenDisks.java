package dev.tenon.cli.backup;

import dev.tenon.core.backup.host.OfflineDisks;
import dev.tenon.core.backup.host.RestoreRequest;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The disks that a command names, as {@code [DEVICE=]WHERE}: files, block devices, volumes, or nodes of a QEMU. */
final class GivenDisks {
    private static final String USUAL = "drive-scsi";

    private GivenDisks() {}

    /**
     * The words by their devices, in order; those without one are drive-scsi0, drive-scsi1 and so on.
     *
     * @throws IllegalArgumentException if a device is named twice, in one sentence
     */
    static Map<DeviceName, String> byDevice(List<String> words) {
        Map<DeviceName, String> disks = new LinkedHashMap<>();
        int next = 0;
        for (String word : words) {
            int equals = word.indexOf('=');
            String name = equals < 0 ? "" : word.substring(0, equals);
            boolean isNamed = isDevice(name);
            DeviceName device = new DeviceName(isNamed ? name : USUAL + next++);
            String where = isNamed ? word.substring(equals + 1) : word;
            if (where.isEmpty()) {
                throw new IllegalArgumentException("--disk '" + word + "' does not say where the disk is");
            }
            if (disks.put(device, where) != null) {
                throw new IllegalArgumentException("the disk '" + device + "' is given twice");
            }
        }
        return disks;
    }

    private static boolean isDevice(String name) {
        try {
            new DeviceName(name);
            return true;
        } catch (StorageException e) {
            return false;
        }
    }

    /** An image that is at a path. */
    private record At(Path path, Format.Image format) {}

    private static At find(Host host, Function<String, Path> paths, DeviceName device, String where)
            throws IOException {
        Path file = paths.apply(where);
        Optional<VolumeId> volume = where.startsWith("/") || Files.exists(file) ? Optional.empty() : volume(where);
        if (volume.isPresent()) {
            return find(host.of(volume.get().storage()), device, volume.get());
        }
        if (!Files.exists(file)) {
            throw new IllegalArgumentException("disk '" + device + "': there is no file '" + where + "'");
        }
        boolean isQcow2 = where.endsWith(".qcow2");
        return new At(file.toAbsolutePath(), isQcow2 ? Format.Image.QCOW2 : Format.Image.RAW);
    }

    private static Optional<VolumeId> volume(String where) {
        try {
            return Optional.of(VolumeId.parse(where));
        } catch (StorageException e) {
            return Optional.empty();
        }
    }

    private static At find(StorageService service, DeviceName device, VolumeId volume) {
        service.activateVolumes(List.of(volume), null, Hints.NONE);
        ParsedVolume parsed = service.parseVolname(volume);
        String path = service.path(volume, null).path();
        if (!path.startsWith("/") || !(parsed.format() instanceof Format.Image format)) {
            throw new IllegalArgumentException("disk '" + device + "': volume '" + volume
                    + "' is no raw or qcow2 image at a path of this machine, but at '" + path + "'");
        }
        return new At(Path.of(path), format);
    }

    /** Images that are to be read. */
    static Map<DeviceName, OfflineDisks.Image> images(
            Host host, Function<String, Path> paths, Map<DeviceName, String> disks) throws IOException {
        Map<DeviceName, OfflineDisks.Image> images = new LinkedHashMap<>();
        for (Map.Entry<DeviceName, String> disk : disks.entrySet()) {
            At at = find(host, paths, disk.getKey(), disk.getValue());
            images.put(disk.getKey(), new OfflineDisks.Image(at.path(), at.format()));
        }
        return images;
    }

    /** Images that are to be overwritten. */
    static Map<DeviceName, RestoreRequest.Existing> targets(
            Host host, Function<String, Path> paths, Map<DeviceName, String> disks) throws IOException {
        Map<DeviceName, RestoreRequest.Existing> targets = new LinkedHashMap<>();
        for (Map.Entry<DeviceName, String> disk : disks.entrySet()) {
            At at = find(host, paths, disk.getKey(), disk.getValue());
            targets.put(disk.getKey(), new RestoreRequest.Existing(at.path(), at.format()));
        }
        return targets;
    }
}

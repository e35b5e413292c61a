package dev.tenon.core.storage.directory;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.storage.common.Paths;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** How QEMU opens what lies below a volume. */
final class BlockdevOptions {
    private BlockdevOptions() {}

    /**
     * Refuses anything that is not the path of a file.
     *
     * @throws StorageException {@code NOT_SUPPORTED}
     */
    static Path file(String volid, String path) {
        if (!path.startsWith("/")) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "storage plugin doesn't implement qemu_blockdev_options() method for " + Quoted.of(path)
                            + " of volume '" + volid + "'");
        }
        return Paths.of(path);
    }

    /**
     * The options for a file or device.
     *
     * @throws StorageException {@code NOT_FOUND}; {@code NOT_SUPPORTED} if it is anything else
     */
    static Map<String, Object> of(String volid, Path file) {
        try {
            FileStatus status = FileStatus.of(file);
            if (status.isRegularFile()) {
                return Map.of("driver", "file", "filename", file.toString());
            }
            if (status.isBlockDevice() || status.isCharacterDevice()) {
                return Map.of("driver", "host_device", "filename", file.toString());
            }
        } catch (IOException e) {
            throw ImageReferences.unreadable(volid, file, e);
        }
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED,
                "QEMU cannot open volume '" + volid + "': '" + file + "' is neither a file nor a device");
    }
}

package dev.tenon.core.backup.host;

import dev.tenon.core.backup.nbd.FileDisk;
import dev.tenon.core.backup.nbd.NbdServer;
import dev.tenon.core.backup.nbd.ServedDisk;
import dev.tenon.core.backup.nbd.StillDisk;
import dev.tenon.core.image.ImageLock;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.DiskAccess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Raw files and block devices of a VM that does not run, behind our own server. There is no place for a bitmap in them, so
 * every backup reads them whole.
 */
public final class RawDisks implements GuestDisks {
    private static final Logger LOG = LoggerFactory.getLogger(RawDisks.class);

    private final Map<DeviceName, ImageLock> locks = new LinkedHashMap<>();
    private final Map<DeviceName, FileDisk> disks = new LinkedHashMap<>();
    private final Path socket;
    private @Nullable NbdServer server;

    private RawDisks(Path socket) {
        this.socket = socket;
    }

    /**
     * Opens the disks. A QEMU that would write to one is kept out until they are closed.
     *
     * @throws dev.tenon.core.image.ImageInUseException if a QEMU has one open for writing
     */
    public static RawDisks open(WorkDirectory work, Map<DeviceName, Path> files) throws IOException {
        RawDisks opened = new RawDisks(work.resolve("raw.sock"));
        try {
            for (Map.Entry<DeviceName, Path> file : files.entrySet()) {
                opened.locks.put(file.getKey(), ImageLock.ofReader(file.getValue()));
                opened.disks.put(file.getKey(), FileDisk.open(file.getValue(), false, Map.of()));
            }
            return opened;
        } catch (IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    @Override
    public Map<DeviceName, ByteSize> sizes() {
        Map<DeviceName, ByteSize> sizes = new LinkedHashMap<>();
        disks.forEach((device, disk) -> sizes.put(device, ByteSize.ofBytes(disk.size())));
        return sizes;
    }

    @Override
    public Map<DeviceName, BackupDisk> show(Map<DeviceName, BitmapUse> uses) throws IOException {
        Map<String, ServedDisk> exports = new LinkedHashMap<>();
        Map<DeviceName, BackupDisk> shown = new LinkedHashMap<>();
        disks.forEach((device, disk) -> {
            exports.put(device.value(), new StillDisk(disk));
            shown.put(
                    device,
                    new BackupDisk(
                            ByteSize.ofBytes(disk.size()),
                            BitmapMode.NONE,
                            new DiskAccess.Nbd(socket, device.value(), Optional.empty())));
        });
        server = NbdServer.listen(socket, exports);
        return shown;
    }

    @Override
    public void committed() {
        endServer();
    }

    private void endServer() {
        if (server != null) {
            server.close();
            server = null;
        }
    }

    @Override
    public void close() {
        endServer();
        disks.forEach((device, disk) -> {
            try {
                disk.close();
            } catch (IOException e) {
                LOG.warn("event=disk-not-closed device={} reason=\"{}\"", device, e.getMessage());
            }
        });
        disks.clear();
        locks.values().forEach(ImageLock::close);
        locks.clear();
    }
}

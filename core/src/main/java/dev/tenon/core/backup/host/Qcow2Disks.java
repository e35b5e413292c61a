package dev.tenon.core.backup.host;

import dev.tenon.core.backup.host.SnapshotNodes.Bitmap;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.qemu.Qmp;
import dev.tenon.core.qemu.QmpException;
import dev.tenon.core.qemu.StorageDaemon;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.DiskAccess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Qcow2 images of a VM that does not run, with bitmaps that the images keep. A storage daemon of our own has them open for
 * reading only, which keeps others from writing; it opens them for writing when the backup has succeeded, for as long as it
 * takes to change the bitmaps. So a backup that fails or is killed while it reads leaves the images and their bitmaps as
 * they were: QEMU calls every bitmap inconsistent that was in an image when a QEMU was killed that could write to it.
 */
public final class Qcow2Disks implements GuestDisks {
    private static final String PERSISTENT_DRIVER = "qcow2";

    /** One image. */
    private static final class Disk {
        final Path file;
        final String node;
        final ByteSize size;
        final BitmapState bitmap;
        BitmapMode mode = BitmapMode.NONE;

        Disk(Path file, String node, ByteSize size, BitmapState bitmap) {
            this.file = file;
            this.node = node;
            this.size = size;
            this.bitmap = bitmap;
        }

        String fileNode() {
            return node + "-file";
        }
    }

    private final StorageDaemon daemon;
    private final String bitmapName;
    private final Path socket;
    private final SnapshotNodes nodes;
    private final Map<DeviceName, Disk> disks = new LinkedHashMap<>();

    private Qcow2Disks(StorageDaemon daemon, String bitmapName, Path socket) {
        this.daemon = daemon;
        this.bitmapName = bitmapName;
        this.socket = socket;
        this.nodes = new SnapshotNodes(daemon.qmp());
    }

    /**
     * Opens the images.
     *
     * @param storage where the backups go, which has bitmaps of its own
     * @throws QmpException if one is none, or a QEMU has it open for writing
     */
    public static Qcow2Disks open(WorkDirectory work, StorageId storage, Map<DeviceName, Path> files)
            throws IOException {
        Path own = work.directory("qcow2");
        Qcow2Disks opened = new Qcow2Disks(
                StorageDaemon.start(own, List.of()), BitmapState.nameFor(storage), own.resolve("nbd.sock"));
        try {
            for (Map.Entry<DeviceName, Path> file : files.entrySet()) {
                opened.add(file.getKey(), file.getValue().toAbsolutePath());
            }
            return opened;
        } catch (IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    private void add(DeviceName device, Path file) throws IOException {
        String node = "disk" + disks.size();
        Qmp qmp = daemon.qmp();
        try {
            qmp.execute(
                    "blockdev-add",
                    Map.of(
                            "driver",
                            PERSISTENT_DRIVER,
                            "node-name",
                            node,
                            "read-only",
                            true,
                            "file",
                            Map.of(
                                    "driver",
                                    FileStatus.of(file).isBlockDevice() ? "host_device" : "file",
                                    "node-name",
                                    node + "-file",
                                    "filename",
                                    file.toString(),
                                    "auto-read-only",
                                    true)));
        } catch (QmpException e) {
            boolean isUsed = String.valueOf(e.getMessage()).contains(" lock");
            throw isUsed
                    ? e.because("image " + Quoted.of(file.toString())
                            + " is open for writing, most likely by a guest that runs")
                    : e.because("disk '" + device + "' is " + Quoted.of(file.toString()));
        }
        Map<?, ?> told = BitmapState.node(qmp, node);
        disks.put(device, new Disk(file, node, BitmapState.size(told), BitmapState.of(told, bitmapName)));
    }

    @Override
    public Map<DeviceName, ByteSize> sizes() {
        Map<DeviceName, ByteSize> sizes = new LinkedHashMap<>();
        disks.forEach((device, disk) -> sizes.put(device, disk.size));
        return sizes;
    }

    @Override
    public Map<DeviceName, BackupDisk> show(Map<DeviceName, BitmapUse> uses) throws IOException {
        nodes.serve(socket);
        Map<DeviceName, BackupDisk> shown = new LinkedHashMap<>();
        for (Map.Entry<DeviceName, Disk> entry : disks.entrySet()) {
            Disk disk = entry.getValue();
            disk.mode = disk.bitmap.mode(uses.getOrDefault(entry.getKey(), BitmapUse.NONE));
            Bitmap bitmap = disk.mode == BitmapMode.REUSE ? new Bitmap(disk.node, bitmapName) : null;
            // Nobody writes, so nothing is copied; but what is clean cannot be read, as in a guest that runs.
            nodes.add(SnapshotNodes.copyBeforeWrite(
                    disk.node + "-cbw", disk.node, Map.of("driver", "null-co", "size", disk.size.bytes()), bitmap));
            nodes.addSnapshot(disk.node + "-snapshot", disk.node + "-cbw");
            String export = entry.getKey().value();
            Bitmap told = disk.mode == BitmapMode.NEW ? whole(disk) : bitmap;
            nodes.export(disk.node + "-export", disk.node + "-snapshot", export, told);
            shown.put(
                    entry.getKey(),
                    new BackupDisk(
                            disk.size,
                            disk.mode,
                            new DiskAccess.Nbd(
                                    socket, export, Optional.ofNullable(told).map(Bitmap::name))));
        }
        return shown;
    }

    private Bitmap whole(Disk disk) throws IOException {
        String node = disk.node + "-whole";
        Path file = socket.resolveSibling(node + ".qcow2");
        return WholeBitmap.add(nodes, file, node, disk.size.bytes(), bitmapName);
    }

    @Override
    public void committed() throws IOException {
        List<String> left = nodes.remove();
        if (!left.isEmpty()) {
            throw new IOException("the exports cannot be ended: " + left.getFirst());
        }
        for (Disk disk : disks.values()) {
            if (disk.mode == BitmapMode.NONE && disk.bitmap == BitmapState.MISSING) {
                continue;
            }
            try {
                daemon.qmp()
                        .execute(
                                "blockdev-reopen",
                                Map.of(
                                        "options",
                                        List.of(Map.of(
                                                "driver",
                                                PERSISTENT_DRIVER,
                                                "node-name",
                                                disk.node,
                                                "read-only",
                                                false,
                                                "file",
                                                disk.fileNode()))));
                change(disk);
            } catch (QmpException e) {
                throw new IOException(
                        "the bitmap '" + bitmapName + "' of " + Quoted.of(disk.file.toString()) + " cannot be changed: "
                                + e.getMessage(),
                        e);
            }
        }
        daemon.qmp().execute("quit");
    }

    private void change(Disk disk) throws QmpException {
        Qmp qmp = daemon.qmp();
        Bitmap bitmap = new Bitmap(disk.node, bitmapName);
        if (disk.mode != BitmapMode.NONE && disk.bitmap == BitmapState.USABLE) {
            qmp.execute("block-dirty-bitmap-clear", bitmap.reference());
            return;
        }
        if (disk.bitmap != BitmapState.MISSING) {
            qmp.execute("block-dirty-bitmap-remove", bitmap.reference());
        }
        if (disk.mode != BitmapMode.NONE) {
            Map<String, Object> options = new LinkedHashMap<>(bitmap.reference());
            options.put("persistent", true);
            options.put("granularity", BitmapState.GRANULARITY);
            qmp.execute("block-dirty-bitmap-add", options);
        }
    }

    @Override
    public void close() {
        nodes.remove();
        daemon.close();
    }
}

package dev.tenon.core.backup.host;

import dev.tenon.core.backup.host.SnapshotNodes.Bitmap;
import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.qemu.Qmp;
import dev.tenon.core.qemu.QmpException;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.DiskAccess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Disks of a QEMU or a qemu-storage-daemon that runs and goes on writing. What it overwrites is first copied to a fleecing
 * image, so that the provider reads one point in time however long it takes. The bitmaps are QEMU's own, in its memory.
 *
 * <p>The filter that copies gets in between a device and its disk, while the guest stands still for some milliseconds. If
 * the fleecing image cannot take any more, the backup fails and the guest goes on. A disk that is no device's, as all are in
 * a storage daemon, gets the filter of a backup job; there it is the guest's write that fails then, as QEMU's jobs have it.
 */
public final class LiveDisks implements GuestDisks {
    private static final Logger LOG = LoggerFactory.getLogger(LiveDisks.class);
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(60);
    private static final int PERMISSIONS = 0600;

    /** One disk. */
    private static final class Disk {
        final DeviceName device;
        final String node;
        final @Nullable String qomPath;
        final ByteSize size;
        final BitmapState bitmap;
        final LiveNames names;
        BitmapMode mode = BitmapMode.NONE;

        Disk(
                DeviceName device,
                String node,
                @Nullable String qomPath,
                Map<?, ?> told,
                String bitmapName,
                LiveNames names)
                throws IOException {
            this.device = device;
            this.node = node;
            this.qomPath = qomPath;
            this.size = BitmapState.size(told);
            this.bitmap = BitmapState.of(told, bitmapName);
            this.names = names;
        }
    }

    private static final int MOST_CONTS = 5;

    private final Qmp qmp;
    private final Path monitor;
    private final String bitmapName;
    private final Path socket;
    private final Path fleecing;
    private final SnapshotNodes nodes;
    private final List<Disk> disks = new ArrayList<>();
    private final List<Path> fleecingFiles = new ArrayList<>();
    private boolean isFixed;
    private boolean isCommitted;

    private LiveDisks(Qmp qmp, Path monitor, String bitmapName, Path socket, Path fleecing) {
        this.qmp = qmp;
        this.monitor = monitor;
        this.bitmapName = bitmapName;
        this.socket = socket;
        this.fleecing = fleecing;
        this.nodes = new SnapshotNodes(qmp);
    }

    /**
     * Finds the disks, and first takes away what a backup left in this QEMU whose process was killed.
     *
     * @param monitor the QMP socket
     * @param storage where the backups go, which has bitmaps of its own
     * @param fleecing a directory with room for what is overwritten during the backup, which the QEMU can open files in
     * @param named the disks, and the names of QEMU's block nodes that they are
     */
    public static LiveDisks open(
            WorkDirectory work, Path monitor, StorageId storage, Path fleecing, Map<DeviceName, String> named)
            throws IOException {
        Qmp qmp = Qmp.connect(monitor, ANSWER_LIMIT);
        try {
            Leftovers.remove(qmp);
            Leftovers.removeImages(fleecing);
            LiveDisks opened = new LiveDisks(
                    qmp, monitor, BitmapState.nameFor(storage), work.resolve("live.sock"), fleecing.toAbsolutePath());
            Map<String, String> devices = devices(qmp);
            for (Map.Entry<DeviceName, String> each : named.entrySet()) {
                String node = each.getValue();
                opened.disks.add(new Disk(
                        each.getKey(),
                        node,
                        devices.get(node),
                        BitmapState.node(qmp, node),
                        opened.bitmapName,
                        LiveNames.own(opened.disks.size())));
            }
            return opened;
        } catch (IOException | RuntimeException e) {
            qmp.close();
            throw e;
        }
    }

    /** The devices that hold a node, by its name; none in a storage daemon. */
    static Map<String, String> devices(Qmp qmp) throws QmpException {
        Map<String, String> devices = new LinkedHashMap<>();
        List<Map<?, ?>> told;
        try {
            told = qmp.list("query-block");
        } catch (QmpException e) {
            if (e.isLost()) {
                throw e;
            }
            return devices;
        }
        for (Map<?, ?> each : told) {
            if (each.get("qdev") instanceof String path
                    && path.startsWith("/")
                    && each.get("inserted") instanceof Map<?, ?> inserted) {
                devices.put(String.valueOf(inserted.get("node-name")), path);
            }
        }
        return devices;
    }

    @Override
    public Map<DeviceName, ByteSize> sizes() {
        Map<DeviceName, ByteSize> sizes = new LinkedHashMap<>();
        disks.forEach(disk -> sizes.put(disk.device, disk.size));
        return sizes;
    }

    @Override
    public Map<DeviceName, BackupDisk> show(Map<DeviceName, BitmapUse> uses) throws IOException {
        for (Disk disk : disks) {
            disk.mode = disk.bitmap.mode(uses.getOrDefault(disk.device, BitmapUse.NONE));
            addFleecing(disk);
        }
        fix();
        nodes.serve(socket);
        Map<DeviceName, BackupDisk> shown = new LinkedHashMap<>();
        for (Disk disk : disks) {
            Bitmap bitmap = switch (disk.mode) {
                case REUSE -> bitmap(disk);
                case NEW -> whole(disk);
                case NONE -> null;
            };
            nodes.addSnapshot(disk.names.snapshot(), disk.names.filter());
            nodes.export(disk.names.export(), disk.names.snapshot(), disk.device.value(), bitmap);
            shown.put(
                    disk.device,
                    new BackupDisk(
                            disk.size,
                            disk.mode,
                            new DiskAccess.Nbd(
                                    socket,
                                    disk.device.value(),
                                    Optional.ofNullable(bitmap).map(Bitmap::name))));
        }
        return shown;
    }

    private Bitmap whole(Disk disk) throws IOException {
        Path file = fleecing.resolve(disk.names.whole() + LiveNames.IMAGE);
        fleecingFiles.add(file);
        return WholeBitmap.add(nodes, file, disk.names.whole(), disk.size.bytes(), bitmapName);
    }

    private void addFleecing(Disk disk) throws IOException {
        Path file = fleecing.resolve(disk.names.fleecing() + LiveNames.IMAGE);
        try (SparseFile image = SparseFile.create(file, PERMISSIONS)) {
            fleecingFiles.add(file);
            image.setSize(disk.size.bytes());
        }
        nodes.add(Map.of(
                "driver", "file", "node-name", disk.names.fleecing(), "filename", file.toString(), "discard", "unmap"));
    }

    private Bitmap bitmap(Disk disk) {
        return new Bitmap(disk.node, bitmapName);
    }

    // ---- the point in time

    private void fix() throws QmpException {
        boolean hasDevices = disks.stream().anyMatch(disk -> disk.qomPath != null);
        if (!hasDevices || !isRunning(qmp)) {
            copyFromNow();
            return;
        }
        try {
            qmp.execute("stop");
            copyFromNow();
        } catch (QmpException | RuntimeException e) {
            try {
                goOn();
            } catch (QmpException left) {
                e.addSuppressed(left);
            }
            throw e;
        }
        goOn();
    }

    private static boolean isRunning(Qmp qmp) throws QmpException {
        return qmp.execute("query-status") instanceof Map<?, ?> status && Boolean.TRUE.equals(status.get("running"));
    }

    private void copyFromNow() throws QmpException {
        qmp.execute("transaction", Map.of("actions", actions()));
        isFixed = true;
        for (Disk disk : disks) {
            if (disk.qomPath != null) {
                insert(disk, disk.qomPath);
            } else {
                nodes.undoJob(disk.names.job());
            }
        }
    }

    /** The guest goes on even if the connection is lost, as it is by an interrupt: what stopped it has no other end. */
    private void goOn() throws QmpException {
        try {
            qmp.execute("cont");
        } catch (QmpException e) {
            if (!e.isLost()) {
                LOG.error("event=guest-may-be-paused monitor={} reason=\"{}\"", monitor, e.getMessage());
                throw e;
            }
            Uninterrupted.run(() -> {
                try (Qmp another = Qmp.connect(monitor, ANSWER_LIMIT)) {
                    // The 'stop' whose answer was not waited for may take effect only now.
                    int tries = 0;
                    do {
                        another.execute("query-status");
                        another.execute("cont");
                        tries++;
                    } while (tries < MOST_CONTS && !isRunning(another));
                } catch (QmpException again) {
                    LOG.error("event=guest-may-be-paused monitor={} reason=\"{}\"", monitor, again.getMessage());
                    e.addSuppressed(again);
                }
            });
            throw e;
        }
    }

    /** What happens at one moment: the bitmaps are taken, and in a storage daemon the copying begins. */
    private List<Map<String, Object>> actions() {
        List<Map<String, Object>> actions = new ArrayList<>();
        for (Disk disk : disks) {
            Map<String, Object> bitmap = bitmap(disk).reference();
            switch (disk.mode) {
                case REUSE -> {
                    actions.add(action("block-dirty-bitmap-add", added(disk.node, LiveNames.meanwhile(bitmapName))));
                    actions.add(action("block-dirty-bitmap-disable", bitmap));
                }
                case NEW -> {
                    if (disk.bitmap != BitmapState.MISSING) {
                        actions.add(action("block-dirty-bitmap-remove", bitmap));
                    }
                    actions.add(action("block-dirty-bitmap-add", added(disk.node, bitmapName)));
                }
                case NONE -> {
                    if (disk.bitmap != BitmapState.MISSING) {
                        actions.add(action("block-dirty-bitmap-remove", bitmap));
                    }
                }
            }
            if (disk.qomPath == null) {
                actions.add(action(
                        "blockdev-backup",
                        Map.of(
                                "job-id",
                                disk.names.job(),
                                "device",
                                disk.node,
                                "target",
                                disk.names.fleecing(),
                                "sync",
                                "none",
                                "filter-node-name",
                                disk.names.filter())));
            }
        }
        return actions;
    }

    private static Map<String, Object> added(String node, String bitmap) {
        return Map.of("node", node, "name", bitmap, "granularity", BitmapState.GRANULARITY);
    }

    private static Map<String, Object> action(String type, Map<String, Object> data) {
        return Map.of("type", type, "data", data);
    }

    private void insert(Disk disk, String qomPath) throws QmpException {
        nodes.add(SnapshotNodes.copyBeforeWrite(
                disk.names.filter(),
                disk.node,
                disk.names.fleecing(),
                disk.mode == BitmapMode.REUSE ? bitmap(disk) : null));
        qmp.execute("qom-set", Map.of("path", qomPath, "property", "drive", "value", disk.names.filter()));
        nodes.undoLater("qom-set", Map.of("path", qomPath, "property", "drive", "value", disk.node));
    }

    // ---- the end

    @Override
    public void committed() throws IOException {
        isCommitted = true;
        List<String> left = end();
        if (!left.isEmpty()) {
            throw new IOException("QEMU keeps something of the backup: " + left.getFirst());
        }
    }

    /** Nodes first, since a bitmap that is exported cannot be changed. */
    private List<String> end() {
        List<String> left = new ArrayList<>(nodes.remove());
        if (isFixed) {
            isFixed = false;
            for (Disk disk : disks) {
                try {
                    settle(disk);
                } catch (QmpException e) {
                    LOG.warn("event=bitmap-not-settled disk={} reason=\"{}\"", disk.device, e.getMessage());
                    left.add("the bitmap of disk '" + disk.device + "': " + e.getMessage());
                    forget(disk);
                }
            }
        }
        return left;
    }

    private void settle(Disk disk) throws QmpException {
        if (disk.mode == BitmapMode.REUSE) {
            Leftovers.join(qmp, bitmap(disk), isCommitted);
        } else if (disk.mode == BitmapMode.NEW && !isCommitted) {
            qmp.execute("block-dirty-bitmap-remove", bitmap(disk).reference());
        }
    }

    /** One that may lack something must not be trusted by the next backup. */
    private void forget(Disk disk) {
        try {
            qmp.execute("block-dirty-bitmap-remove", bitmap(disk).reference());
        } catch (QmpException e) {
            LOG.warn("event=bitmap-left disk={} reason=\"{}\"", disk.device, e.getMessage());
        }
    }

    @Override
    public void close() {
        Uninterrupted.run(this::endAndRemoveFiles);
    }

    private void endAndRemoveFiles() {
        end();
        qmp.close();
        for (Path file : fleecingFiles) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                LOG.warn("event=fleecing-image-left file={} reason=\"{}\"", file, e.getMessage());
            }
        }
    }
}

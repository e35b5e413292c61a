package dev.tenon.core.backup.host;

import dev.tenon.core.backup.nbd.Extent;
import dev.tenon.core.backup.nbd.NbdClient;
import dev.tenon.core.command.Companion;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.DirtyRegions;
import dev.tenon.core.spi.backup.DiskAccess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * NBD exports as files, by nbdfuse, for providers that want to read a disk as one. What is dirty is asked for before the
 * provider gets it: PVE takes it from a program whose failure it does not notice, and so may read too little.
 */
final class FileHandles implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** A mounted directory, and who serves it. */
    private record Mount(Path directory, Companion program) {}

    private final WorkDirectory work;
    private final Deque<Mount> mounts = new ArrayDeque<>();

    FileHandles(WorkDirectory work) {
        this.work = work;
    }

    /** Mounts all; on a failure, those that are mounted end with this object. */
    Map<DeviceName, BackupDisk> of(Map<DeviceName, BackupDisk> disks) throws IOException {
        Map<DeviceName, BackupDisk> files = new LinkedHashMap<>();
        for (Map.Entry<DeviceName, BackupDisk> disk : disks.entrySet()) {
            BackupDisk shown = disk.getValue();
            if (shown.access() instanceof DiskAccess.Nbd nbd) {
                files.put(
                        disk.getKey(),
                        new BackupDisk(
                                shown.size(),
                                shown.bitmap(),
                                new DiskAccess.FileHandle(mount(disk.getKey(), nbd), regions(shown, nbd))));
            }
        }
        return files;
    }

    private Path mount(DeviceName device, DiskAccess.Nbd nbd) throws IOException {
        Path directory = work.directory("fuse-" + device);
        Path file = directory.resolve(device.value());
        Companion program = Companion.start(
                List.of("nbdfuse", file.toString(), nbd.address()), work.resolve("nbdfuse-" + device + ".log"));
        mounts.push(new Mount(directory, program));
        program.awaitReady(() -> Files.exists(file), LIMIT);
        return file;
    }

    private static DirtyRegions regions(BackupDisk disk, DiskAccess.Nbd nbd) throws IOException {
        long size = disk.size().bytes();
        if (disk.bitmap() != BitmapMode.REUSE) {
            return DirtyRegions.of(size == 0 ? List.of() : List.of(new DirtyRegions.Region(0, size)));
        }
        List<DirtyRegions.Region> regions = new ArrayList<>();
        String context = Extent.DIRTY_BITMAP + nbd.bitmap().orElseThrow();
        try (NbdClient client = NbdClient.connect(nbd.socket(), nbd.export(), context, LIMIT)) {
            for (long at = 0; at < size; ) {
                for (Extent extent : client.extents(at, size - at)) {
                    if (extent.has(Extent.DIRTY)) {
                        regions.add(new DirtyRegions.Region(extent.offset(), extent.length()));
                    }
                    at = extent.end();
                }
            }
        }
        return DirtyRegions.of(regions);
    }

    /** Ends them; one that is still being read is detached. */
    @Override
    public void close() {
        while (!mounts.isEmpty()) {
            Mount mount = mounts.pop();
            mount.program().close();
            MountPoint.release(mount.directory());
        }
    }
}

package dev.tenon.core.backup.vma;

import dev.tenon.core.backup.repository.DiskWriter;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.backup.repository.SnapshotId;
import dev.tenon.core.backup.repository.SnapshotWriter;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Takes an archive of PVE into a repository while it is read. Clusters come in any order: what a guest overwrote during its
 * backup comes early. Clusters wait in memory until all of their chunk have come.
 */
public final class VmaImport {
    private static final String CONFIG = "qemu-server.conf";
    private static final String FIREWALL = "qemu-server.fw";
    /** The state of a VM's memory, which backups of PVE do not have. */
    private static final String MEMORY = "vmstate";

    private final SnapshotWriter writer;
    private final long mostWaiting;
    private final Map<Integer, Disk> disks = new HashMap<>();
    private long waiting;

    private VmaImport(SnapshotWriter writer, long mostWaiting) {
        this.writer = writer;
        this.mostWaiting = mostWaiting;
    }

    /**
     * Imports an archive.
     *
     * @param in the archive, not compressed; not closed
     * @param mostWaiting bytes that may wait in memory
     * @throws StorageException {@code ALREADY_EXISTS} if the guest has a backup of this time
     * @throws BadArchiveException if the archive is damaged or cut; nothing is in the repository then
     */
    public static Snapshot run(Repository repository, String namespace, Vmid guest, InputStream in, long mostWaiting)
            throws IOException {
        VmaReader archive = VmaReader.open(in);
        RawConfig config = RawConfig.of(archive.config(CONFIG)
                .orElseThrow(() -> new BadArchiveException("the archive has no configuration '" + CONFIG + "'")));
        @Nullable
        RawConfig firewall = archive.config(FIREWALL).map(RawConfig::of).orElse(null);
        SnapshotId id = new SnapshotId(namespace, GuestType.QEMU, guest, archive.time());
        if (repository.find(id).isPresent()) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS, "there is a backup " + Quoted.of(id.toString()) + " already");
        }
        try (SnapshotWriter writer = repository.write(namespace, GuestType.QEMU, guest, archive.time())) {
            VmaImport run = new VmaImport(writer, mostWaiting);
            for (Vma.Device device : archive.devices().values()) {
                if (!device.name().equals(MEMORY)) {
                    run.disks.put(device.id(), run.new Disk(device));
                }
            }
            archive.read(run.new Clusters());
            return writer.publish(config, firewall);
        }
    }

    private final class Clusters implements VmaReader.Sink {
        @Override
        public void data(Vma.Device device, long cluster, byte[] data) throws IOException {
            Disk disk = disks.get(device.id());
            if (disk != null) {
                disk.add(cluster, data.clone());
            }
        }

        @Override
        public void zeroes(Vma.Device device, long cluster) throws IOException {
            Disk disk = disks.get(device.id());
            if (disk != null) {
                disk.add(cluster, null);
            }
        }
    }

    /** The 64 KiB of a cluster that is not zeroes. */
    private static final class Cluster {
        private final byte[] bytes;

        Cluster(byte[] bytes) {
            this.bytes = bytes;
        }
    }

    /** Clusters of a chunk that have come; null for those of zeroes and those that are missing yet. */
    private static final class Chunk {
        private final @Nullable Cluster[] clusters;
        private int missing;

        Chunk(int clusters) {
            this.clusters = new Cluster[clusters];
            this.missing = clusters;
        }
    }

    private final class Disk {
        private static final int PER_CHUNK = DiskWriter.CHUNK / Vma.CLUSTER;

        private final Vma.Device device;
        private final DiskWriter to;
        private final Map<Long, Chunk> open = new HashMap<>();

        Disk(Vma.Device device) throws IOException {
            this.device = device;
            this.to = writer.disk(new DeviceName(device.name()), device.size());
        }

        void add(long cluster, byte @Nullable [] data) throws IOException {
            long number = cluster / PER_CHUNK;
            Chunk chunk = open.computeIfAbsent(
                    number, _ -> new Chunk((int) Math.min(PER_CHUNK, device.clusters() - number * PER_CHUNK)));
            chunk.clusters[(int) (cluster % PER_CHUNK)] = data == null ? null : new Cluster(data);
            chunk.missing--;
            if (data != null) {
                waiting += data.length;
            }
            if (chunk.missing == 0) {
                open.remove(number);
                store(number, chunk);
            } else if (waiting > mostWaiting) {
                throw new IOException(
                        "more than " + (mostWaiting >> 20) + " MiB of the archive came out of order, which"
                                + " must wait in memory; give Java more memory, for instance JAVA_TOOL_OPTIONS=-Xmx4g");
            }
        }

        private void store(long number, Chunk chunk) throws IOException {
            long offset = number * DiskWriter.CHUNK;
            int size = (int) Math.min(DiskWriter.CHUNK, device.size().bytes() - offset);
            byte[] bytes = new byte[DiskWriter.CHUNK];
            boolean isAny = false;
            for (int i = 0; i < chunk.clusters.length; i++) {
                Cluster cluster = chunk.clusters[i];
                if (cluster != null) {
                    isAny = true;
                    waiting -= cluster.bytes.length;
                    System.arraycopy(cluster.bytes, 0, bytes, i * Vma.CLUSTER, cluster.bytes.length);
                }
            }
            if (isAny) {
                to.writeChunk(offset, ByteBuffer.wrap(Arrays.copyOf(bytes, size)));
            }
        }
    }
}

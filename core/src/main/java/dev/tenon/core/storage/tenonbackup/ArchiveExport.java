package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.repository.DiskReader;
import dev.tenon.core.backup.repository.FileContent;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryReader;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.backup.repository.TreeEntry;
import dev.tenon.core.backup.vma.Vma;
import dev.tenon.core.backup.vma.VmaWriter;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Writes backups as PVE's own archives, so that a host without Tenon restores them: VMA for VMs, tar for containers. */
public final class ArchiveExport implements AutoCloseable {
    private static final int PIECE = 4 << 20;
    private static final int MOST_DISKS = 254;

    /** By this line PVE knows which disk of the configuration a disk of the archive is. */
    private static final String MAP = "#qmdump#map:";

    private static final Pattern DEVICE =
            Pattern.compile("drive-((?:ide|sata|scsi|virtio|efidisk|tpmstate)[0-9]+)(?:-backup)?");

    private final RepositoryReader reader;
    private final Snapshot snapshot;
    private final RawConfig config;

    /**
     * Looks for a backup.
     *
     * @throws StorageException {@code NOT_FOUND} if it is not there, {@code NOT_SUPPORTED} if its archive cannot have it
     */
    public ArchiveExport(Repository repository, VolumeId volume) throws IOException {
        this.reader = repository.read();
        try {
            this.snapshot = reader.find(Archives.id(volume.volume()))
                    .orElseThrow(() ->
                            StorageException.refused(StorageError.NOT_FOUND, "there is no backup '" + volume + "'"));
            RawConfig kept = snapshot.config();
            if (kept == null || snapshot.disks().size() > MOST_DISKS) {
                throw StorageException.refused(
                        StorageError.NOT_SUPPORTED,
                        "'" + volume + "' has " + snapshot.disks().size() + " disks, and an archive of PVE has at most "
                                + MOST_DISKS);
            }
            this.config = kept;
        } catch (IOException | RuntimeException e) {
            reader.close();
            throw e;
        }
    }

    /** Whose backup it is, which tells the kind of the archive. */
    public GuestType type() {
        return snapshot.id().type();
    }

    /** What is to be read, in bytes, as progress tells it. */
    public ByteSize size() {
        return Archives.size(snapshot);
    }

    /**
     * Writes the archive.
     *
     * @param progress is told how many bytes have been gone through
     */
    public void write(OutputStream out, LongConsumer progress) throws IOException {
        if (type() == GuestType.LXC) {
            writeTar(out, progress);
        } else {
            writeVma(out, progress);
        }
    }

    private void writeVma(OutputStream out, LongConsumer progress) throws IOException {
        List<Vma.Device> devices = new ArrayList<>();
        Map<String, byte[]> configs = new LinkedHashMap<>();
        configs.put("qemu-server.conf", mapped());
        RawConfig firewall = snapshot.firewall();
        if (firewall != null) {
            configs.put("qemu-server.fw", firewall.bytes());
        }
        for (Map.Entry<DeviceName, Snapshot.Disk> disk : snapshot.disks().entrySet()) {
            long sectors = (disk.getValue().size().bytes() + TarHeader.BLOCK - 1) / TarHeader.BLOCK;
            devices.add(new Vma.Device(
                    devices.size() + 1, disk.getKey().value(), ByteSize.ofBytes(sectors * TarHeader.BLOCK)));
        }
        VmaWriter writer = new VmaWriter(out, snapshot.id().time(), configs, devices);
        long done = 0;
        for (Vma.Device device : devices) {
            try (DiskReader disk =
                    reader.disk(snapshot, new DeviceName(device.name())).orElseThrow()) {
                done = write(disk, device, writer, done, progress);
            }
        }
        writer.finish();
    }

    private static long write(DiskReader disk, Vma.Device device, VmaWriter to, long before, LongConsumer progress)
            throws IOException {
        long size = disk.size().bytes();
        byte[] cluster = new byte[Vma.CLUSTER];
        ByteBuffer piece = ByteBuffer.allocate(PIECE);
        for (long at = 0; at < size; at += PIECE) {
            int length = (int) Math.min(PIECE, size - at);
            boolean isZero = disk.isZero(at, length);
            piece.clear().limit(length);
            if (!isZero) {
                disk.read(at, piece);
                piece.flip();
            }
            for (int inner = 0; inner < length; inner += Vma.CLUSTER) {
                long number = (at + inner) / Vma.CLUSTER;
                if (isZero) {
                    to.zeroes(device, number);
                } else {
                    int bytes = Math.min(Vma.CLUSTER, length - inner);
                    Arrays.fill(cluster, bytes, Vma.CLUSTER, (byte) 0);
                    piece.get(inner, cluster, 0, bytes);
                    to.write(device, number, cluster);
                }
            }
            progress.accept(before + at + length);
        }
        return before + size;
    }

    /** The configuration, with the lines that PVE needs; those that came from PVE are there already. */
    private byte[] mapped() {
        String text = new String(config.bytes(), StandardCharsets.ISO_8859_1);
        StringBuilder added = new StringBuilder();
        for (DeviceName device : snapshot.disks().keySet()) {
            Matcher name = DEVICE.matcher(device.value());
            boolean isThere = Pattern.compile(
                            "(?m)^" + Pattern.quote(MAP) + "[^:]*:" + Pattern.quote(device.value()) + ":")
                    .matcher(text)
                    .find();
            if (!isThere && name.matches()) {
                added.append(MAP)
                        .append(name.group(1))
                        .append(':')
                        .append(device)
                        .append(":::\n");
            }
        }
        if (added.isEmpty()) {
            return config.bytes();
        }
        String end = text.isEmpty() || text.endsWith("\n") ? "" : "\n";
        return (text + end + added).getBytes(StandardCharsets.ISO_8859_1);
    }

    private void writeTar(OutputStream out, LongConsumer progress) throws IOException {
        out.write(member("./etc/vzdump/pct.conf", config));
        RawConfig firewall = snapshot.firewall();
        if (firewall != null) {
            out.write(member("./etc/vzdump/pct.fw", firewall));
        }
        TarImage image = new TarImage(reader.tree(snapshot).orElseThrow());
        ByteBuffer piece = ByteBuffer.allocate(PIECE);
        for (long at = 0; at < image.size(); at += PIECE) {
            piece.clear().limit((int) Math.min(PIECE, image.size() - at));
            image.read(at, piece);
            out.write(piece.array(), 0, piece.position());
            progress.accept(Math.min(at, size().bytes()));
        }
        out.flush();
    }

    private byte[] member(String path, RawConfig content) {
        TreeEntry entry = new TreeEntry(
                path,
                TreeEntry.Kind.FILE,
                0640,
                0,
                0,
                snapshot.id().time().getEpochSecond(),
                0,
                TreeEntry.Known.NOT,
                0,
                0,
                "",
                new TreeMap<>(),
                TreeEntry.Content.NONE);
        ByteArrayOutputStream member = new ByteArrayOutputStream();
        byte[] bytes = content.bytes();
        member.writeBytes(TarHeader.of(
                entry,
                path,
                "",
                bytes.length,
                bytes.length == 0 ? List.of() : List.of(new FileContent.Data(0, bytes.length))));
        member.writeBytes(bytes);
        member.writeBytes(new byte[(TarHeader.BLOCK - bytes.length % TarHeader.BLOCK) % TarHeader.BLOCK]);
        return member.toByteArray();
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}

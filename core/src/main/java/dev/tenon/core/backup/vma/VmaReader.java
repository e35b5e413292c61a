package dev.tenon.core.backup.vma;

import dev.tenon.core.spi.ByteSize;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Reads an archive from its beginning to its end, once. For one thread. */
public final class VmaReader {
    private static final int LARGEST_HEADER = 16 << 20;

    private final InputStream in;
    private final byte[] uuid;
    private final Instant time;
    private final Map<String, byte[]> configs;
    private final Map<Integer, Vma.Device> devices;
    private final Map<Integer, BitSet> seen = new TreeMap<>();
    private long at;

    private VmaReader(
            InputStream in,
            byte[] uuid,
            Instant time,
            Map<String, byte[]> configs,
            Map<Integer, Vma.Device> devices,
            long at) {
        this.in = in;
        this.uuid = uuid;
        this.time = time;
        this.configs = configs;
        this.devices = devices;
        this.at = at;
        devices.keySet().forEach(id -> seen.put(id, new BitSet()));
    }

    /** Is told of a cluster. */
    public interface Sink {
        /**
         * A cluster, in any order, each once.
         *
         * @param data its 64 KiB, of which what is behind the disk's end is zeroes; valid until this returns
         */
        void data(Vma.Device device, long cluster, byte[] data) throws IOException;

        /** A cluster of zeroes only. */
        void zeroes(Vma.Device device, long cluster) throws IOException;
    }

    /**
     * Reads the header.
     *
     * @throws BadArchiveException if it is not the header of an archive, or is damaged
     */
    public static VmaReader open(InputStream in) throws IOException {
        byte[] fixed = in.readNBytes(Vma.FIXED);
        ByteBuffer numbers = ByteBuffer.wrap(fixed);
        if (fixed.length < Vma.FIXED || numbers.getInt(0) != Vma.MAGIC) {
            throw new BadArchiveException("this is no archive of the format VMA: it does not begin like one");
        }
        int version = numbers.getInt(4);
        if (version != Vma.VERSION) {
            throw new BadArchiveException("the archive is of version " + version + " of VMA, and this build knows "
                    + Vma.VERSION + "; use a newer one");
        }
        int size = numbers.getInt(Vma.HEADER_SIZE_AT);
        if (size <= Vma.FIXED || size > LARGEST_HEADER) {
            throw new BadArchiveException("the archive's header has an impossible size of " + size + " bytes");
        }
        byte[] header = Arrays.copyOf(fixed, size);
        if (in.readNBytes(header, Vma.FIXED, size - Vma.FIXED) < size - Vma.FIXED) {
            throw new BadArchiveException("the archive ends within its header");
        }
        if (!Arrays.equals(Vma.md5(header, Vma.MD5_AT), Arrays.copyOfRange(header, Vma.MD5_AT, Vma.MD5_AT + Vma.MD5))) {
            throw new BadArchiveException("the archive's header is damaged");
        }
        ByteBuffer all = ByteBuffer.wrap(header);
        Map<String, byte[]> configs = new LinkedHashMap<>();
        Map<Integer, Vma.Device> devices = new TreeMap<>();
        for (int i = 0; i < Vma.ENTRIES; i++) {
            int name = all.getInt(Vma.CONFIG_NAMES_AT + 4 * i);
            if (name != 0) {
                configs.put(text(all, name), blob(all, all.getInt(Vma.CONFIG_DATA_AT + 4 * i)));
            }
            int device = Vma.DEVICES_AT + Vma.DEVICE * i;
            if (i > 0 && all.getInt(device) != 0) {
                long bytes = all.getLong(device + 8);
                if (bytes < 0 || bytes / Vma.CLUSTER >= Integer.MAX_VALUE) {
                    throw new BadArchiveException("device " + i + " of the archive has an impossible size");
                }
                devices.put(
                        i,
                        new Vma.Device(
                                i, text(all, all.getInt(device)), ByteSize.ofBytes(bytes / Vma.SECTOR * Vma.SECTOR)));
            }
        }
        return new VmaReader(
                in,
                Arrays.copyOfRange(header, Vma.UUID_AT, Vma.UUID_AT + Vma.UUID),
                Instant.ofEpochSecond(all.getLong(Vma.TIME_AT)),
                configs,
                devices,
                size);
    }

    private static String text(ByteBuffer header, int pointer) throws BadArchiveException {
        String text = new String(blob(header, pointer), StandardCharsets.UTF_8);
        return text.endsWith("\0") ? text.substring(0, text.length() - 1) : text;
    }

    /** What a pointer into the blobs means. */
    private static byte[] blob(ByteBuffer header, int pointer) throws BadArchiveException {
        long begin = Integer.toUnsignedLong(header.getInt(Vma.BLOBS_AT));
        long end = begin + Integer.toUnsignedLong(header.getInt(Vma.BLOBS_AT + 4));
        long place = begin + Integer.toUnsignedLong(pointer);
        if (pointer != 0 && end <= header.capacity() && place + 2 <= end) {
            int length = Short.toUnsignedInt(
                    header.duplicate().order(ByteOrder.LITTLE_ENDIAN).getShort((int) place));
            if (place + 2 + length <= end) {
                byte[] bytes = new byte[length];
                header.get((int) place + 2, bytes);
                return bytes;
            }
        }
        throw new BadArchiveException("the archive's header points to a place outside of it");
    }

    /** When the backup was made. */
    public Instant time() {
        return time;
    }

    /** A configuration; empty if there is none of this name. */
    public Optional<byte[]> config(String name) {
        return Optional.ofNullable(configs.get(name)).map(byte[]::clone);
    }

    /** The disks, by their ids. */
    public Map<Integer, Vma.Device> devices() {
        return Map.copyOf(devices);
    }

    /**
     * Reads all extents.
     *
     * @throws BadArchiveException if one is damaged, or the archive lacks clusters of a disk because it was cut
     */
    public void read(Sink sink) throws IOException {
        byte[] header = new byte[Vma.EXTENT_HEADER];
        byte[] cluster = new byte[Vma.CLUSTER];
        while (true) {
            int length = in.readNBytes(header, 0, header.length);
            if (length == 0) {
                break;
            }
            if (length < header.length) {
                throw cut();
            }
            readExtent(header, cluster, sink);
        }
        for (Vma.Device device : devices.values()) {
            long lacking = device.clusters() - seen(device.id()).cardinality();
            if (lacking > 0) {
                throw new BadArchiveException("the archive lacks " + lacking + " of " + device.clusters()
                        + " clusters of disk '" + device.name() + "': it was cut at byte " + at);
            }
        }
    }

    private BitSet seen(int device) {
        return seen.computeIfAbsent(device, _ -> new BitSet());
    }

    private BadArchiveException cut() {
        return new BadArchiveException("the archive is cut: it ends within the extent at byte " + at);
    }

    private void readExtent(byte[] bytes, byte[] cluster, Sink sink) throws IOException {
        ByteBuffer header = ByteBuffer.wrap(bytes);
        boolean isWhole = header.getInt(0) == Vma.EXTENT_MAGIC
                && header.getShort(4) == 0
                && Arrays.equals(uuid, Arrays.copyOfRange(bytes, 8, 8 + Vma.UUID))
                && Arrays.equals(
                        Vma.md5(bytes, Vma.EXTENT_MD5_AT),
                        Arrays.copyOfRange(bytes, Vma.EXTENT_MD5_AT, Vma.EXTENT_MD5_AT + Vma.MD5));
        if (!isWhole) {
            throw new BadArchiveException("the extent at byte " + at + " of the archive is damaged");
        }
        int blocks = 0;
        for (int slot = 0; slot < Vma.SLOTS; slot++) {
            blocks += Integer.bitCount(mask(header, slot));
        }
        if (blocks != Short.toUnsignedInt(header.getShort(6))) {
            throw new BadArchiveException(
                    "the extent at byte " + at + " of the archive has not the blocks that it tells");
        }
        long end = at + Vma.EXTENT_HEADER + (long) blocks * Vma.BLOCK;
        for (int slot = 0; slot < Vma.SLOTS; slot++) {
            int id = header.get(Vma.SLOTS_AT + 8 * slot + 3) & 0xff;
            if (id != 0) {
                readCluster(
                        id,
                        Integer.toUnsignedLong(header.getInt(Vma.SLOTS_AT + 8 * slot + 4)),
                        mask(header, slot),
                        cluster,
                        sink);
            }
        }
        at = end;
    }

    /** Which blocks of a cluster are stored; none in a slot that is not used. */
    private static int mask(ByteBuffer header, int slot) {
        int place = Vma.SLOTS_AT + 8 * slot;
        return header.get(place + 3) == 0 ? 0 : Short.toUnsignedInt(header.getShort(place));
    }

    private void readCluster(int id, long number, int mask, byte[] cluster, Sink sink) throws IOException {
        Vma.Device device = devices.get(id);
        if (device == null || number >= device.clusters()) {
            throw new BadArchiveException("the extent at byte " + at + " of the archive has a cluster of no disk");
        }
        BitSet known = seen(id);
        if (known.get((int) number)) {
            throw new BadArchiveException(
                    "the archive has cluster " + number + " of disk '" + device.name() + "' twice");
        }
        known.set((int) number);
        if (mask == 0) {
            sink.zeroes(device, number);
            return;
        }
        long left = device.size().bytes() - number * Vma.CLUSTER;
        if (left < Vma.CLUSTER && mask >>> ((left + Vma.BLOCK - 1) / Vma.BLOCK) != 0) {
            throw new BadArchiveException("the archive has bytes behind the end of disk '" + device.name() + "'");
        }
        for (int block = 0; block < Vma.BLOCKS; block++) {
            if ((mask >> block & 1) == 0) {
                Arrays.fill(cluster, block * Vma.BLOCK, (block + 1) * Vma.BLOCK, (byte) 0);
            } else if (in.readNBytes(cluster, block * Vma.BLOCK, Vma.BLOCK) < Vma.BLOCK) {
                throw cut();
            }
        }
        sink.data(device, number, cluster);
    }
}

package dev.tenon.core.backup.vma;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Writes an archive that PVE reads. For one thread. It is whole after {@link #finish}. */
public final class VmaWriter {
    private static final int LARGEST_BLOB = 65535;
    private static final byte[] ZEROES = new byte[Vma.BLOCK];

    private final OutputStream out;
    private final byte[] uuid = new byte[Vma.UUID];
    private final ByteBuffer extent = ByteBuffer.allocate(Vma.EXTENT_HEADER);
    private final ByteArrayOutputStream payload = new ByteArrayOutputStream(Vma.SLOTS * Vma.CLUSTER);
    private int slots;
    private int blocks;
    private boolean isAny;

    /**
     * Writes the header.
     *
     * @param configs by name, each of at most 65,535 bytes
     * @param devices with ids from 1 to 254, and sizes that are multiples of 512 bytes
     */
    public VmaWriter(OutputStream out, Instant time, Map<String, byte[]> configs, List<Vma.Device> devices)
            throws IOException {
        this.out = out;
        UUID id = UUID.randomUUID();
        ByteBuffer.wrap(uuid).putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
        Blobs blobs = new Blobs();
        ByteBuffer fixed = ByteBuffer.allocate(Vma.FIXED);
        fixed.putInt(0, Vma.MAGIC).putInt(4, Vma.VERSION).put(Vma.UUID_AT, uuid);
        fixed.putLong(Vma.TIME_AT, time.getEpochSecond());
        int number = 0;
        for (Map.Entry<String, byte[]> config : configs.entrySet()) {
            fixed.putInt(Vma.CONFIG_NAMES_AT + 4 * number, blobs.name(config.getKey()));
            fixed.putInt(Vma.CONFIG_DATA_AT + 4 * number, blobs.add(config.getValue()));
            number++;
        }
        for (Vma.Device device : devices) {
            int place = Vma.DEVICES_AT + Vma.DEVICE * device.id();
            fixed.putInt(place, blobs.name(device.name()))
                    .putLong(place + 8, device.size().bytes());
        }
        byte[] all = blobs.bytes.toByteArray();
        int size = Vma.FIXED + (all.length + Vma.SECTOR - 1) / Vma.SECTOR * Vma.SECTOR;
        fixed.putInt(Vma.BLOBS_AT, Vma.FIXED)
                .putInt(Vma.BLOBS_AT + 4, all.length)
                .putInt(Vma.HEADER_SIZE_AT, size);
        byte[] header = Arrays.copyOf(fixed.array(), size);
        System.arraycopy(all, 0, header, Vma.FIXED, all.length);
        System.arraycopy(Vma.md5(header, Vma.MD5_AT), 0, header, Vma.MD5_AT, Vma.MD5);
        out.write(header);
    }

    private static final class Blobs {
        /** Byte 0 means none. */
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Blobs() {
            bytes.write(0);
        }

        int name(String name) throws IOException {
            return add((name + "\0").getBytes(StandardCharsets.UTF_8));
        }

        int add(byte[] blob) throws IOException {
            if (blob.length > LARGEST_BLOB) {
                throw new IOException("a configuration of " + blob.length
                        + " bytes does not fit into an archive of PVE, which takes at most " + LARGEST_BLOB);
            }
            int place = bytes.size();
            bytes.write(blob.length);
            bytes.write(blob.length >> 8);
            bytes.write(blob);
            return place;
        }
    }

    /**
     * Writes a cluster; blocks of zeroes take no room. Each cluster of each disk is written once, in any order.
     *
     * @param data 64 KiB; what is behind the disk's end is zeroes
     */
    public void write(Vma.Device device, long cluster, byte[] data) throws IOException {
        int mask = 0;
        for (int block = 0; block < Vma.BLOCKS; block++) {
            int at = block * Vma.BLOCK;
            if (!Arrays.equals(data, at, at + Vma.BLOCK, ZEROES, 0, Vma.BLOCK)) {
                mask |= 1 << block;
                payload.write(data, at, Vma.BLOCK);
                blocks++;
            }
        }
        slot(device, cluster, mask);
    }

    /** Writes a cluster of zeroes only. */
    public void zeroes(Vma.Device device, long cluster) throws IOException {
        slot(device, cluster, 0);
    }

    private void slot(Vma.Device device, long cluster, int mask) throws IOException {
        int place = Vma.SLOTS_AT + 8 * slots++;
        extent.putShort(place, (short) mask).put(place + 3, (byte) device.id()).putInt(place + 4, (int) cluster);
        if (slots == Vma.SLOTS_WRITTEN) {
            flush();
        }
    }

    private void flush() throws IOException {
        extent.putInt(0, Vma.EXTENT_MAGIC).putShort(6, (short) blocks).put(8, uuid);
        extent.put(Vma.EXTENT_MD5_AT, Vma.md5(extent.array(), Vma.EXTENT_MD5_AT));
        out.write(extent.array());
        payload.writeTo(out);
        payload.reset();
        Arrays.fill(extent.array(), (byte) 0);
        slots = 0;
        blocks = 0;
        isAny = true;
    }

    /** Writes what is left. The stream stays open. */
    public void finish() throws IOException {
        if (slots > 0 || !isAny) {
            flush();
        }
        out.flush();
    }
}

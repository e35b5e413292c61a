package dev.tenon.core.backup.vma;

import dev.tenon.core.spi.ByteSize;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The format VMA: a header, and extents of clusters in any order. Numbers are big-endian, except a blob's length. */
public final class Vma {
    /** Bytes of a cluster. */
    public static final int CLUSTER = 64 << 10;

    static final int MAGIC = 0x564d4100;
    static final int EXTENT_MAGIC = 0x564d4145;
    static final int VERSION = 1;

    static final int UUID_AT = 8;
    static final int TIME_AT = 24;
    static final int MD5_AT = 32;
    static final int BLOBS_AT = 48;
    static final int HEADER_SIZE_AT = 56;
    static final int CONFIG_NAMES_AT = 2044;
    static final int CONFIG_DATA_AT = 3068;
    static final int DEVICES_AT = 4096;
    static final int DEVICE = 32;
    static final int ENTRIES = 256;
    /** Where the blobs begin in an archive of PVE; a header is larger than this. */
    static final int FIXED = 12288;

    static final int MD5 = 16;
    static final int UUID = 16;

    static final int EXTENT_HEADER = 512;
    static final int EXTENT_MD5_AT = 24;
    static final int SLOTS_AT = 40;
    static final int SLOTS = 59;
    /** PVE's writer leaves the last slot free. */
    static final int SLOTS_WRITTEN = 58;

    static final int BLOCK = 4096;
    static final int BLOCKS = CLUSTER / BLOCK;
    static final int SECTOR = 512;

    /**
     * A disk in an archive.
     *
     * @param id 1 to 255
     * @param name for instance {@code drive-scsi0}
     */
    public record Device(int id, String name, ByteSize size) {
        /** How many clusters it has. */
        public long clusters() {
            return (size.bytes() + CLUSTER - 1) / CLUSTER;
        }
    }

    private Vma() {}

    /** The checksum of some bytes, with those at one place taken as zeroes. */
    @SuppressWarnings("java:S4790") // the format's checksum, against accidents
    static byte[] md5(byte[] bytes, int zeroesAt) {
        try {
            MessageDigest digest = MessageDigest.getInstance("MD5");
            digest.update(bytes, 0, zeroesAt);
            digest.update(new byte[MD5]);
            digest.update(bytes, zeroesAt + MD5, bytes.length - zeroesAt - MD5);
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}

package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.spi.backup.ContainerIds;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.LongFunction;

/** Owners, access lists and file capabilities as a container sees them, from what the host sees. */
final class TreeOwners {
    /** Who owns what has no owner in the container. */
    private static final long NOBODY = 65_534;

    private static final String LISTS = "system.posix_acl_";
    private static final String CAPABILITY = "security.capability";

    private static final int LIST_HEADER = 4;
    private static final int LIST_ENTRY = 8;
    private static final int USER = 2;
    private static final int GROUP = 8;

    private static final int CAPABILITY_BYTES = 20;
    private static final int CAPABILITY_OWNED_BYTES = 24;
    private static final int REVISION = 0xff00_0000;
    private static final int REVISION_2 = 0x0200_0000;
    private static final int REVISION_3 = 0x0300_0000;

    private final ContainerIds ids;
    private final Map<Long, Long> users = new HashMap<>();
    private final Map<Long, Long> groups = new HashMap<>();

    TreeOwners(ContainerIds ids) {
        this.ids = ids;
    }

    long user(long outside) {
        return cached(users, outside, ids::user);
    }

    long group(long outside) {
        return cached(groups, outside, ids::group);
    }

    private static long cached(Map<Long, Long> known, long outside, LongFunction<OptionalLong> mapping) {
        return known.computeIfAbsent(outside, id -> mapping.apply(id).orElse(NOBODY));
    }

    /** Attributes of a file; those of the system that are not access lists belong to the file system, and are left out. */
    SortedMap<String, byte[]> attributes(SortedMap<String, byte[]> outside) {
        SortedMap<String, byte[]> inside = new TreeMap<>();
        outside.forEach((name, value) -> {
            if (name.startsWith(LISTS)) {
                inside.put(name, list(value));
            } else if (name.equals(CAPABILITY)) {
                inside.put(name, capability(value));
            } else if (name.startsWith("user.") || name.startsWith("security.") || name.startsWith("trusted.")) {
                inside.put(name, value);
            }
        });
        return inside;
    }

    private byte[] list(byte[] outside) {
        ByteBuffer list = ByteBuffer.wrap(outside.clone()).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = LIST_HEADER; at + LIST_ENTRY <= list.capacity(); at += LIST_ENTRY) {
            long id = Integer.toUnsignedLong(list.getInt(at + 4));
            switch (list.getShort(at)) {
                case USER -> list.putInt(at + 4, (int) user(id));
                case GROUP -> list.putInt(at + 4, (int) group(id));
                default -> {
                    // of the owner, the group, others, or the mask
                }
            }
        }
        return list.array();
    }

    /** Capabilities that a container's root gave carry the host's id of that root; the container sees none. */
    private byte[] capability(byte[] outside) {
        ByteBuffer value = ByteBuffer.wrap(outside.clone()).order(ByteOrder.LITTLE_ENDIAN);
        if (value.capacity() < CAPABILITY_OWNED_BYTES || (value.getInt(0) & REVISION) != REVISION_3) {
            return value.array();
        }
        long root = user(Integer.toUnsignedLong(value.getInt(CAPABILITY_BYTES)));
        if (root != 0) {
            value.putInt(CAPABILITY_BYTES, (int) root);
            return value.array();
        }
        value.putInt(0, (value.getInt(0) & ~REVISION) | REVISION_2);
        byte[] inside = new byte[CAPABILITY_BYTES];
        value.get(inside);
        return inside;
    }
}

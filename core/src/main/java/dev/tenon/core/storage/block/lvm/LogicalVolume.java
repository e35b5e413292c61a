package dev.tenon.core.storage.block.lvm;

import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A logical volume.
 *
 * @param group its volume group
 * @param size in bytes; of a thin one, the virtual size
 * @param attributes the ten letters of {@code lv_attr}
 * @param pool the thin pool it is in, empty for none
 * @param used of a thin pool or volume: how much of its size is in use, in percent; null if unknown, as when it is not active
 * @param metadataSize of a thin pool, in bytes; 0 for any other
 * @param metadataUsed of a thin pool, in percent; null as {@code used}
 * @param created seconds since 1970, null if unknown
 */
record LogicalVolume(
        String group,
        String name,
        long size,
        String attributes,
        String pool,
        @Nullable Double used,
        long metadataSize,
        @Nullable Double metadataUsed,
        List<String> tags,
        @Nullable Long created) {
    private static final int TYPE = 0;
    private static final int PERMISSION = 1;
    private static final int STATE = 4;
    private static final int OPEN = 5;
    private static final int HEALTH = 8;

    /** In percent: so much of the metadata may be in use when the kernel keeps the rest to itself. */
    private static final double METADATA_RESERVED = 90;

    private static final double WHOLE = 100;
    private static final String THICK = "-mMrR";
    private static final Pattern GUEST_TAG = Pattern.compile("pve-vm-\\d+");

    LogicalVolume {
        tags = List.copyOf(tags);
    }

    private boolean has(int place, char letter) {
        return attributes.length() > place && attributes.charAt(place) == letter;
    }

    /** Whether it is linear, mirrored or a RAID: what storages of type {@code lvm} consist of. */
    boolean isThick() {
        return !attributes.isEmpty() && THICK.indexOf(attributes.charAt(TYPE)) >= 0;
    }

    boolean isThin() {
        return has(TYPE, 'V');
    }

    boolean isThinPool() {
        return has(TYPE, 't');
    }

    boolean isReadOnly() {
        return has(PERMISSION, 'r');
    }

    boolean isActive() {
        return has(STATE, 'a');
    }

    /** Whether something has its device open. */
    boolean isOpen() {
        return has(OPEN, 'o');
    }

    /** Whether a thin pool takes no more data. */
    boolean isFull() {
        return has(HEALTH, 'D') || isOver(used, WHOLE) || (has(HEALTH, 'M') && isOver(metadataUsed, METADATA_RESERVED));
    }

    private static boolean isOver(@Nullable Double percent, double limit) {
        return percent != null && percent >= limit;
    }

    /** Whether a tag says that it is a guest's. */
    boolean isTagged() {
        return tags.stream().anyMatch(tag -> GUEST_TAG.matcher(tag).matches());
    }

    /** What is in use of a thin pool, in bytes. */
    long usedBytes() {
        return percent(used, size);
    }

    /** What is in use of the metadata of a thin pool, in bytes. */
    long metadataUsedBytes() {
        return percent(metadataUsed, metadataSize);
    }

    private static long percent(@Nullable Double percent, long of) {
        return percent == null ? 0 : (long) (percent * of / 100);
    }
}

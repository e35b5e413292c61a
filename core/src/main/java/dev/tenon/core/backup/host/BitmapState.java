package dev.tenon.core.backup.host;

import dev.tenon.core.qemu.Qmp;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.BitmapUse;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** What QEMU says of the dirty bitmap of a disk. */
enum BitmapState {
    MISSING,
    /** It does not tell all: a QEMU was killed that had it, or somebody stopped it. */
    USELESS,
    USABLE;

    /** In bytes, as PVE's QEMU has it. */
    static final int GRANULARITY = 4 << 20;

    /** The bitmap of all backups that go to a storage, by the name that PVE gives it. */
    static String nameFor(StorageId storage) {
        return "snapshot-access:" + storage;
    }

    /**
     * What QEMU tells of a node.
     *
     * @throws IOException if there is none of that name
     */
    static Map<?, ?> node(Qmp qmp, String name) throws IOException {
        List<Map<?, ?>> nodes = qmp.list("query-named-block-nodes");
        return nodes.stream()
                .filter(node -> name.equals(node.get("node-name")))
                .findFirst()
                .orElseThrow(() -> new IOException("QEMU has no block node " + Quoted.of(name) + "; it has "
                        + nodes.stream()
                                .map(node -> String.valueOf(node.get("node-name")))
                                .filter(each -> !each.startsWith("#"))
                                .sorted()
                                .toList()));
    }

    /** The size of a node as the guest sees it. */
    static ByteSize size(Map<?, ?> node) {
        if (node.get("image") instanceof Map<?, ?> image && image.get("virtual-size") instanceof Number size) {
            return ByteSize.ofBytes(size.longValue());
        }
        throw new IllegalStateException("QEMU does not tell the size of " + node.get("node-name"));
    }

    static BitmapState of(Map<?, ?> node, String bitmap) {
        for (Map<?, ?> each : Qmp.objects(node.get("dirty-bitmaps"))) {
            if (bitmap.equals(each.get("name"))) {
                boolean isGood = !Boolean.TRUE.equals(each.get("inconsistent"))
                        && Boolean.TRUE.equals(each.get("recording"))
                        && !Boolean.TRUE.equals(each.get("busy"));
                return isGood ? USABLE : USELESS;
            }
        }
        return MISSING;
    }

    /** What becomes of it. */
    BitmapMode mode(BitmapUse use) {
        return switch (use) {
            case NONE -> BitmapMode.NONE;
            case NEW -> BitmapMode.NEW;
            case USE -> this == USABLE ? BitmapMode.REUSE : BitmapMode.NEW;
        };
    }
}

package dev.tenon.core;

import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.storage.block.lvm.LvmPlugin;
import dev.tenon.core.storage.block.lvm.LvmThinPlugin;
import dev.tenon.core.storage.block.rbd.RbdPlugin;
import dev.tenon.core.storage.block.storpool.StorpoolPlugin;
import dev.tenon.core.storage.block.zfs.ZfsPoolPlugin;
import dev.tenon.core.storage.mounted.btrfs.BtrfsPlugin;
import dev.tenon.core.storage.mounted.cephfs.CephfsPlugin;
import dev.tenon.core.storage.mounted.cifs.CifsPlugin;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.core.storage.mounted.nfs.NfsPlugin;
import dev.tenon.core.storage.tenonbackup.TenonbackupPlugin;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The storage types that are written in Java. */
public final class NativeTypes {
    private NativeTypes() {}

    /** New ones, by type, in the order of their names. */
    public static Map<String, StoragePlugin> all() {
        Map<String, StoragePlugin> types = new TreeMap<>();
        Stream.of(
                        new BtrfsPlugin(),
                        new CephfsPlugin(),
                        new CifsPlugin(),
                        new DirPlugin(),
                        new LvmPlugin(),
                        new LvmThinPlugin(),
                        new NfsPlugin(),
                        new RbdPlugin(),
                        new StorpoolPlugin(),
                        new TenonbackupPlugin(),
                        new ZfsPoolPlugin())
                .forEach(plugin -> types.put(plugin.type(), plugin));
        return Collections.unmodifiableMap(types);
    }
}

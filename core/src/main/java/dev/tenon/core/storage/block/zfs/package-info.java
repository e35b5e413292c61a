/** The storage type {@code zfspool}: volumes and file systems of ZFS in a pool. */
@NullMarked
package dev.tenon.core.storage.block.zfs;

import org.jspecify.annotations.NullMarked;

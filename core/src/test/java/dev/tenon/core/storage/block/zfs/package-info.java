/** Tests of the storage type {@code zfspool} without a pool. */
@NullMarked
package dev.tenon.core.storage.block.zfs;

import org.jspecify.annotations.NullMarked;

/** The storage type {@code btrfs}: a directory of a btrfs file system, whose images are subvolumes. */
@NullMarked
package dev.tenon.core.storage.mounted.btrfs;

import org.jspecify.annotations.NullMarked;

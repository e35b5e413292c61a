/** The storage type {@code rbd}: images in a pool of a Ceph cluster. */
@NullMarked
package dev.tenon.core.storage.block.rbd;

import org.jspecify.annotations.NullMarked;

/** Tests of what Ceph says and what the type says without a cluster; images are tested on one. */
@NullMarked
package dev.tenon.core.storage.block.rbd;

import org.jspecify.annotations.NullMarked;

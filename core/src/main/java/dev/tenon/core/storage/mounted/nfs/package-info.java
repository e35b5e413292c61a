/** The storage type {@code nfs}: a directory that an NFS server exports. */
@NullMarked
package dev.tenon.core.storage.mounted.nfs;

import org.jspecify.annotations.NullMarked;

/** The storage type {@code cephfs}: the file system of a Ceph cluster. */
@NullMarked
package dev.tenon.core.storage.mounted.cephfs;

import org.jspecify.annotations.NullMarked;

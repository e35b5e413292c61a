/** The storage type {@code storpool}: volumes of a StorPool cluster, by its HTTP API. */
@NullMarked
package dev.tenon.core.storage.block.storpool;

import org.jspecify.annotations.NullMarked;

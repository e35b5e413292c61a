/** What the storage types have in common that keep their volumes as files below a mount point. */
@NullMarked
package dev.tenon.core.storage.mounted;

import org.jspecify.annotations.NullMarked;

/** The storage type {@code dir}: a local directory. */
@NullMarked
package dev.tenon.core.storage.mounted.dir;

import org.jspecify.annotations.NullMarked;

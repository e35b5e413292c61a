/** What every storage type needs, whether or not it keeps files: names, formats, features, disk numbers, pruning. */
@NullMarked
package dev.tenon.core.storage.common;

import org.jspecify.annotations.NullMarked;

/** What a failure of the file system means to a storage. */
@NullMarked
package dev.tenon.core.failure;

import org.jspecify.annotations.NullMarked;

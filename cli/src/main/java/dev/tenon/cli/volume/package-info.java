/** {@code tenon volume}: what is on the storages. */
@NullMarked
package dev.tenon.cli.volume;

import org.jspecify.annotations.NullMarked;

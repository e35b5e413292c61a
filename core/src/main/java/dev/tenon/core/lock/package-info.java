/** Locks against two changes of the same storage, configuration or guest at once, by Java or by PVE's own programs. */
@NullMarked
package dev.tenon.core.lock;

import org.jspecify.annotations.NullMarked;

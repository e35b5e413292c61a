/** What keeps two from changing the same storage, configuration or guest at once, in Java and in PVE's own programs. */
@NullMarked
package dev.tenon.core.lock;

import org.jspecify.annotations.NullMarked;

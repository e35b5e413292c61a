/** Java calls Perl: the family of processes that hosts a plugin, seen from Java as a storage plugin. */
@NullMarked
package dev.tenon.bridge.perl;

import org.jspecify.annotations.NullMarked;

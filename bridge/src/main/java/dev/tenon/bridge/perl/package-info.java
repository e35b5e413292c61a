/** Java calls Perl: the sidecar that hosts a plugin, and the storage that it is. */
@NullMarked
package dev.tenon.bridge.perl;

import org.jspecify.annotations.NullMarked;

/**
 * What keeps backups of guests outside of PVE: the interface every backup provider implements, in whatever language it is
 * written, and the values that cross it. Nothing here knows about Perl, the wire or the two dialects of PVE's own API.
 */
@NullMarked
package dev.tenon.core.spi.backup;

import org.jspecify.annotations.NullMarked;

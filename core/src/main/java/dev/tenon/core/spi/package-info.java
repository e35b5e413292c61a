/**
 * What a storage is: the interface every storage implements, in whatever language it is written, and the values that
 * cross it. Nothing here knows about Perl, the wire or API levels.
 */
@NullMarked
package dev.tenon.core.spi;

import org.jspecify.annotations.NullMarked;

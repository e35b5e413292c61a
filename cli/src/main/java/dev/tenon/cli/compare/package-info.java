/** For teams that move from one plugin to another. */
@NullMarked
package dev.tenon.cli.compare;

import org.jspecify.annotations.NullMarked;

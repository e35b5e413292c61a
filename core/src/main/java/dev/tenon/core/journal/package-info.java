/** A record of the changes under way, so that after a crash it is known what was interrupted. */
@NullMarked
package dev.tenon.core.journal;

import org.jspecify.annotations.NullMarked;

/** What is being changed at this moment, written down, so that what a crash interrupts is known afterwards. */
@NullMarked
package dev.tenon.core.journal;

import org.jspecify.annotations.NullMarked;

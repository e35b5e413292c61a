/** Comparisons with peers that do nothing, as ratios of one run. */
@NullMarked
package dev.tenon.bench;

import org.jspecify.annotations.NullMarked;

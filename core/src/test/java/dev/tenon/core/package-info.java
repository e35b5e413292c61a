/** Rules that hold for all of core. */
@NullMarked
package dev.tenon.core;

import org.jspecify.annotations.NullMarked;

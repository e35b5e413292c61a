/** Calls of a daemon and their answers, written down for a time, to be made again on another plugin. */
@NullMarked
package dev.tenon.core.record;

import org.jspecify.annotations.NullMarked;

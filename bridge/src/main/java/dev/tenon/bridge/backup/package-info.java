/** The backup provider API: its rows, its types, and how its objects cross. */
@NullMarked
package dev.tenon.bridge.backup;

import org.jspecify.annotations.NullMarked;

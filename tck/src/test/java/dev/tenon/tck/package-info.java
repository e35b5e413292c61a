/** The contract, on the storage types that are written in Java. */
@NullMarked
package dev.tenon.tck;

import org.jspecify.annotations.NullMarked;

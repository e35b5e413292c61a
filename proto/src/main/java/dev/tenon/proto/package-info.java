/** The contract: frames, values, limits, errors and the method table. */
@NullMarked
package dev.tenon.proto;

import org.jspecify.annotations.NullMarked;

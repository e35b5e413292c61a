/** Passes open descriptors from one process to another, on a separate socket. */
@NullMarked
package dev.tenon.bridge.descriptor;

import org.jspecify.annotations.NullMarked;

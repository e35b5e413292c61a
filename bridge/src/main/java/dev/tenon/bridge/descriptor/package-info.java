/** Open descriptors from one process to another, on a socket of their own. */
@NullMarked
package dev.tenon.bridge.descriptor;

import org.jspecify.annotations.NullMarked;

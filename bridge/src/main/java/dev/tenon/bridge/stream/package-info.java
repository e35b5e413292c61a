/** Open descriptors from one process to another, on a socket of their own. */
@NullMarked
package dev.tenon.bridge.stream;

import org.jspecify.annotations.NullMarked;

/** Frames in and out of Unix sockets, and the threads that do what they ask for. */
@NullMarked
package dev.tenon.bridge.transport;

import org.jspecify.annotations.NullMarked;

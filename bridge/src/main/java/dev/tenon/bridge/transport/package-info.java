/** Frames in and out of Unix sockets, and the threads that read them and make the calls. */
@NullMarked
package dev.tenon.bridge.transport;

import org.jspecify.annotations.NullMarked;

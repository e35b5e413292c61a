/** Bytes in and out of Unix sockets; the only place that knows Netty. */
@NullMarked
package dev.tenon.bridge.transport;

import org.jspecify.annotations.NullMarked;

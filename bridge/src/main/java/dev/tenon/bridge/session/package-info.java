/** One connection: hello, calls in both directions, cancel, close. */
@NullMarked
package dev.tenon.bridge.session;

import org.jspecify.annotations.NullMarked;

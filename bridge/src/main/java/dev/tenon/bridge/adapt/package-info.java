/** Wire values to typed calls and back; the only place that knows what differs between API levels. */
@NullMarked
package dev.tenon.bridge.adapt;

import org.jspecify.annotations.NullMarked;

/** The storage plugin API between the wire and typed calls; the only place that knows what differs between its levels. */
@NullMarked
package dev.tenon.bridge.storage;

import org.jspecify.annotations.NullMarked;

/** Wire values as Java values, for any API: trees, callbacks, errors, and calls to an object by name. */
@NullMarked
package dev.tenon.bridge.codec;

import org.jspecify.annotations.NullMarked;

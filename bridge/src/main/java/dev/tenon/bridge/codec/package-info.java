/** Values of the wire as plain ones, whatever the API: trees, functions, errors, and how an object is called by name. */
@NullMarked
package dev.tenon.bridge.codec;

import org.jspecify.annotations.NullMarked;

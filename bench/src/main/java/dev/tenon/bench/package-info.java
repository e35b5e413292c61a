/** x. */
@NullMarked
package dev.tenon.bench;

import org.jspecify.annotations.NullMarked;

/** What every storage plugin must do, as tests that a plugin's own test class inherits. */
@NullMarked
package dev.tenon.tck;

import org.jspecify.annotations.NullMarked;

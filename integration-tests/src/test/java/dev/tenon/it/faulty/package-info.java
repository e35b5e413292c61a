/** Plugins with one fault each, and who finds it. */
@NullMarked
package dev.tenon.it.faulty;

import org.jspecify.annotations.NullMarked;

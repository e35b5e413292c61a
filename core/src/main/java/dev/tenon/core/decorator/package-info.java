/** Decorators for any storage plugin. A decorated plugin is a plugin itself. */
@NullMarked
package dev.tenon.core.decorator;

import org.jspecify.annotations.NullMarked;

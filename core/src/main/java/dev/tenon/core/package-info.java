/** Storage in Java. */
@NullMarked
package dev.tenon.core;

import org.jspecify.annotations.NullMarked;

/** What the JDK lacks of Linux, called in the C library. The only package that uses java.lang.foreign. */
@NullMarked
package dev.tenon.core.linux;

import org.jspecify.annotations.NullMarked;

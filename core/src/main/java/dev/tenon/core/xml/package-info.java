/** XML that others wrote. */
@NullMarked
package dev.tenon.core.xml;

import org.jspecify.annotations.NullMarked;

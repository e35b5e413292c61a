@NullMarked
package dev.tenon.core.compare;

import org.jspecify.annotations.NullMarked;

@NullMarked
package dev.tenon.core.spi.backup;

import org.jspecify.annotations.NullMarked;

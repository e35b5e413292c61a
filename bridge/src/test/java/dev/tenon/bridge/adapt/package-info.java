@NullMarked
package dev.tenon.bridge.adapt;

import org.jspecify.annotations.NullMarked;

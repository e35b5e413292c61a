@NullMarked
package dev.tenon.bridge.descriptor;

import org.jspecify.annotations.NullMarked;

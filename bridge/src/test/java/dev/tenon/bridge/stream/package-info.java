@NullMarked
package dev.tenon.bridge.stream;

import org.jspecify.annotations.NullMarked;

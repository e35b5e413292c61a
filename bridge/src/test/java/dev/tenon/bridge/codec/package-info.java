@NullMarked
package dev.tenon.bridge.codec;

import org.jspecify.annotations.NullMarked;

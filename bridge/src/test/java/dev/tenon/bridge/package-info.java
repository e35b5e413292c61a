@NullMarked
package dev.tenon.bridge;

import org.jspecify.annotations.NullMarked;

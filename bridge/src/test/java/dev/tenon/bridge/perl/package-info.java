@NullMarked
package dev.tenon.bridge.perl;

import org.jspecify.annotations.NullMarked;

@NullMarked
package dev.tenon.bridge.backup;

import org.jspecify.annotations.NullMarked;

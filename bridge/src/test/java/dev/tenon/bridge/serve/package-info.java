@NullMarked
package dev.tenon.bridge.serve;

import org.jspecify.annotations.NullMarked;

@NullMarked
package dev.tenon.bridge.transport;

import org.jspecify.annotations.NullMarked;

@NullMarked
package dev.tenon.bridge.storage;

import org.jspecify.annotations.NullMarked;

@NullMarked
package dev.tenon.core.qemu;

import org.jspecify.annotations.NullMarked;

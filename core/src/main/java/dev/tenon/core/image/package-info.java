/** Guest images: what their headers say, read without starting a process, and their creation by qemu-img. */
@NullMarked
package dev.tenon.core.image;

import org.jspecify.annotations.NullMarked;

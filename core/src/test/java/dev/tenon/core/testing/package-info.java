/** What several tests need: qemu-img and storages in scratch directories. */
@NullMarked
package dev.tenon.core.testing;

import org.jspecify.annotations.NullMarked;

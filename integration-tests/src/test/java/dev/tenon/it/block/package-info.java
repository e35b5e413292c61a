/** Block storages, on kernels of their own. */
@NullMarked
package dev.tenon.it.block;

import org.jspecify.annotations.NullMarked;

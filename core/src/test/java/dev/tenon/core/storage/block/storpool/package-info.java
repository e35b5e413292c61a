@NullMarked
package dev.tenon.core.storage.block.storpool;

import org.jspecify.annotations.NullMarked;

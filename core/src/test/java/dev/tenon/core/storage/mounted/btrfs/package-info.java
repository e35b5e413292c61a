@NullMarked
package dev.tenon.core.storage.mounted.btrfs;

import org.jspecify.annotations.NullMarked;

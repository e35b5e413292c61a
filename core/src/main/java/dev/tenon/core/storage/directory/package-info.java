/** What storages that are directories have in common, and the base class that storage plugins inherit from. */
@NullMarked
package dev.tenon.core.storage;

import org.jspecify.annotations.NullMarked;

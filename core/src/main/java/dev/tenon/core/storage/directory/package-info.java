/** The engine of storages that are directories, and the base class that Perl plugins inherit from. */
@NullMarked
package dev.tenon.core.storage.directory;

import org.jspecify.annotations.NullMarked;

/** The commands' host of storages: configuration, storage types, plugins in sidecars, and how a command ends. */
@NullMarked
package dev.tenon.cli.host;

import org.jspecify.annotations.NullMarked;

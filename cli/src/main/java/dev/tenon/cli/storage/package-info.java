/** {@code tenon storage}: which storages there are. */
@NullMarked
package dev.tenon.cli.storage;

import org.jspecify.annotations.NullMarked;

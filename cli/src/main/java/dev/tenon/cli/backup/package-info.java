/** Backups of guests, by any storage that keeps some of its own kind. */
@NullMarked
package dev.tenon.cli.backup;

import org.jspecify.annotations.NullMarked;

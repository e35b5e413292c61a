/** The {@code tenon} command, one class a subcommand. */
@NullMarked
package dev.tenon.cli;

import org.jspecify.annotations.NullMarked;

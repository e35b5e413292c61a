/** The {@code tenon} command, one class per subcommand. */
@NullMarked
package dev.tenon.cli;

import org.jspecify.annotations.NullMarked;

/** Runs the commands of the host, as argument lists and never through a shell. */
@NullMarked
package dev.tenon.core.command;

import org.jspecify.annotations.NullMarked;

/** The conformance kit as a command. */
@NullMarked
package dev.tenon.cli.check;

import org.jspecify.annotations.NullMarked;

/** The demonstration: the same calls through both languages, compared. */
@NullMarked
package dev.tenon.cli.demo;

import org.jspecify.annotations.NullMarked;

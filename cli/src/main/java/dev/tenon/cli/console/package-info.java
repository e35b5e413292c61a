/** What commands print, and how: tables, sizes, JSON, progress. */
@NullMarked
package dev.tenon.cli.console;

import org.jspecify.annotations.NullMarked;

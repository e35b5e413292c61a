@NullMarked
package dev.tenon.cli.console;

import org.jspecify.annotations.NullMarked;

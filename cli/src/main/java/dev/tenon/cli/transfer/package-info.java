/** {@code tenon export}, {@code tenon import} and {@code tenon copy}: volumes as streams. */
@NullMarked
package dev.tenon.cli.transfer;

import org.jspecify.annotations.NullMarked;

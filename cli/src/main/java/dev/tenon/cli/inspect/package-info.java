/** What a plugin file is, without hosting it. */
@NullMarked
package dev.tenon.cli.inspect;

import org.jspecify.annotations.NullMarked;

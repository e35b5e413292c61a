/** Perl calls Java: the daemon and what it serves. */
@NullMarked
package dev.tenon.bridge.serve;

import org.jspecify.annotations.NullMarked;

/** The page of the daemon, for programs and in a browser. */
@NullMarked
package dev.tenon.it.web;

import org.jspecify.annotations.NullMarked;

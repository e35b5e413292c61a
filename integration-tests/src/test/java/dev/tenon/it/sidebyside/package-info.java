/** One storage in Perl and one in Java: the same operations, the same answers, the same files. */
@NullMarked
package dev.tenon.it.sidebyside;

import org.jspecify.annotations.NullMarked;

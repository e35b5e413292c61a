/** Tests with real processes of both languages. */
@NullMarked
package dev.tenon.it;

import org.jspecify.annotations.NullMarked;

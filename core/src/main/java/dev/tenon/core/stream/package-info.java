/** The streams in which volumes leave and come: their bytes move between descriptors, inside the kernel where they can. */
@NullMarked
package dev.tenon.core.stream;

import org.jspecify.annotations.NullMarked;

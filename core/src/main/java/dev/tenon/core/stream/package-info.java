/** The streams in which volumes leave and arrive: bytes move between descriptors, inside the kernel if possible. */
@NullMarked
package dev.tenon.core.stream;

import org.jspecify.annotations.NullMarked;

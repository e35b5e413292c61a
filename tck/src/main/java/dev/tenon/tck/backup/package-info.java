/** The contract of a backup provider, as tests that a provider's own test class inherits. */
@NullMarked
package dev.tenon.tck.backup;

import org.jspecify.annotations.NullMarked;

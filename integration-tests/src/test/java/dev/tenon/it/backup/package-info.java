/** Backups of guests as a host makes them, with real disks and providers. */
@NullMarked
package dev.tenon.it.backup;

import org.jspecify.annotations.NullMarked;

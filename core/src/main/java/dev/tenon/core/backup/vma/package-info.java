/** PVE's archives of VMs, VMA: read from a stream and written to one. */
@NullMarked
package dev.tenon.core.backup.vma;

import org.jspecify.annotations.NullMarked;

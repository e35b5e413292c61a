/** QEMU and its storage daemon, spoken to over QMP, its machine protocol. */
@NullMarked
package dev.tenon.core.qemu;

import org.jspecify.annotations.NullMarked;

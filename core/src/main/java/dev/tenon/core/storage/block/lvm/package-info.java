/** Logical volumes of LVM, thick ({@code lvm}) and thin ({@code lvmthin}): two types on one kind of volume group. */
@NullMarked
package dev.tenon.core.storage.block.lvm;

import org.jspecify.annotations.NullMarked;

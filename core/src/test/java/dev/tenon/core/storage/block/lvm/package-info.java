/** Tests of what LVM says and what is made of it; volumes are tested where there are some, in a guest. */
@NullMarked
package dev.tenon.core.storage.block.lvm;

import org.jspecify.annotations.NullMarked;

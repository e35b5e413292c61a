/**
 * Disks over NBD, the network block device protocol: a client that reads what a backup needs, and a server that shows a
 * restored disk to QEMU, libnbd and the kernel. The protocol is that of the NetworkBlockDevice project's {@code proto.md}.
 */
@NullMarked
package dev.tenon.core.backup.nbd;

import org.jspecify.annotations.NullMarked;

/**
 * What a host of backup providers does, as PVE's vzdump and its restores do it: it shows a guest's disks to a provider over
 * NBD as of one point in time, keeps the bitmaps that tell what changed since the last backup, makes the calls in their
 * order, and reads what a provider gives back.
 */
@NullMarked
package dev.tenon.core.backup.host;

import org.jspecify.annotations.NullMarked;

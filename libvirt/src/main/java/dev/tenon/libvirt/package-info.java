/**
 * Storages as libvirt sees them: the calls of its storage proposal of October 2007 under their own names, and the pools and
 * volumes of today's libvirt as XML.
 */
@NullMarked
package dev.tenon.libvirt;

import org.jspecify.annotations.NullMarked;

/** {@code tenon libvirt}: storages and volumes as libvirt's XML. */
@NullMarked
package dev.tenon.cli.libvirt;

import org.jspecify.annotations.NullMarked;

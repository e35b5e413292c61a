/**
 * A stand-in for the HTTP API of a StorPool cluster, as far as PVE's plugin uses it: its state is in memory, its devices are
 * files. Written from public descriptions; no real cluster was at hand.
 */
@NullMarked
package dev.tenon.it.storpool;

import org.jspecify.annotations.NullMarked;

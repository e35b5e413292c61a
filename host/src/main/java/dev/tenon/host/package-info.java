/**
 * A node: its settings, the catalog of the plugins that answer for its storage types, its journal, and the service over
 * all of it. The daemon and every command are thin users of it.
 */
@NullMarked
package dev.tenon.host;

import org.jspecify.annotations.NullMarked;

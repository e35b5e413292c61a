/** What can be put around any storage plugin: it is one itself. */
@NullMarked
package dev.tenon.core.decorator;

import org.jspecify.annotations.NullMarked;

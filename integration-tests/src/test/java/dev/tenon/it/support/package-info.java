/** What the tests start and look at: daemons, Perl programs, sidecars, raw connections, scratch storages. */
@NullMarked
package dev.tenon.it.support;

import org.jspecify.annotations.NullMarked;

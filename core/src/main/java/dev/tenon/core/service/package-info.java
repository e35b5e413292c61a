/** What PVE's {@code PVE::Storage} does around a plugin: checks, activation, locks, and calls in their order. */
@NullMarked
package dev.tenon.core.service;

import org.jspecify.annotations.NullMarked;

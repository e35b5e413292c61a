/** The configuration of all storages, {@code storage.cfg}: read as PVE reads it, changed without touching the rest. */
@NullMarked
package dev.tenon.core.config;

import org.jspecify.annotations.NullMarked;

/** Finds what interrupted work left in storages, and repairs it. */
@NullMarked
package dev.tenon.core.doctor;

import org.jspecify.annotations.NullMarked;

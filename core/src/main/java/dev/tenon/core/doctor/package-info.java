/** Finds what interrupted work left in storages, and puts it right. */
@NullMarked
package dev.tenon.core.doctor;

import org.jspecify.annotations.NullMarked;

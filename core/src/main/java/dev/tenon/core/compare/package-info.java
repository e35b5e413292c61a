/** Side by side: one call on two plugins, what differs field by field, and what that means for who wants to move. */
@NullMarked
package dev.tenon.core.compare;

import org.jspecify.annotations.NullMarked;

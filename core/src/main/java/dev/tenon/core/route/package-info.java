/** Which of two plugins makes a call, and the way back to the old one when the new one fails. */
@NullMarked
package dev.tenon.core.route;

import org.jspecify.annotations.NullMarked;

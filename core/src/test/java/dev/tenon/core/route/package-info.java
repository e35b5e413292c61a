@NullMarked
package dev.tenon.core.route;

import org.jspecify.annotations.NullMarked;

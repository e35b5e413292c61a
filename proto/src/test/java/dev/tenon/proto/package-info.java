@NullMarked
package dev.tenon.proto;

import org.jspecify.annotations.NullMarked;
